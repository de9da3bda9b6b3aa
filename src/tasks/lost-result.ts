import { mediaKey } from '../assets/blobs.ts';
import { ReelvecError } from '../errors.ts';
import type { CreateTaskDeps } from './create.ts';
import { bundleId } from './embedding.ts';
import type { Task } from './repository.ts';

type Deps = Pick<CreateTaskDeps, 'tasks' | 'assets' | 'blobs' | 'bundle' | 'start' | 'log'>;

/** Warning of a task whose lost result is being rebuilt, until it is ready. */
export const REBUILDING_WARNING =
  "The result was missing from the server's store. It is being made again from the asset.";

/**
 * Restarts a ready task whose result is missing from the store. Its source must be an asset, because assets are kept
 * and do not change. Does nothing if a concurrent request restarted it.
 * @throws {ReelvecError} `resource_not_exist` if the result cannot be rebuilt
 */
export async function rebuildResult(deps: Deps, task: Task): Promise<void> {
  const { tasks, start, log } = deps;
  const obstacle = await obstacleTo(deps, task);
  if (obstacle !== undefined) {
    log.error({ taskId: task.id, reason: obstacle }, 'result lost');
    throw new ReelvecError(
      'resource_not_exist',
      `The result of the task ${task.id} is missing from the server's store and cannot be made again: ${obstacle}. ` +
        'Create a new task.',
      { details: { collection: 'embed-v2/tasks', id: task.id } },
    );
  }
  const restarted = await tasks.restart(task, REBUILDING_WARNING);
  if (!restarted) return;
  log.error({ taskId: task.id }, 'result lost, rebuilding');
  // Not awaited, as in createTask: the next maintenance starts a task without a run.
  start(restarted).catch((error) => log.error({ err: error, taskId: task.id }, 'task not started'));
}

async function obstacleTo(deps: Deps, task: Task): Promise<string | undefined> {
  const missing = await missingSource(deps, task);
  if (missing !== undefined || task.bundle === bundleId(deps.bundle)) return missing;
  return `it was made with the bundle ${task.bundle}, and the server now works with ${bundleId(deps.bundle)}`;
}

/** Reason why the source of a task is missing from the store; undefined if it is stored. */
export async function missingSource(
  { assets, blobs }: Pick<Deps, 'assets' | 'blobs'>,
  task: Task,
): Promise<string | undefined> {
  const { source, inputType } = task.request;
  if (inputType === 'image') return 'its image was not kept';
  if (source.kind !== 'asset') return 'its media was not kept, because it did not come as an asset';
  const asset = await assets.get(source.assetId, task.owner);
  if (!asset) return `the asset ${source.assetId} was deleted`;
  if (asset.status !== 'ready' || !(await blobs.stat(mediaKey(asset)))) {
    return `the media of the asset ${asset.id} is missing too`;
  }
  return undefined;
}
