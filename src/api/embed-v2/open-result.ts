import type { Readable } from 'node:stream';
import { BlobNotFound } from '../../blobs/store.ts';
import { rebuildResult } from '../../tasks/lost-result.ts';
import type { Task } from '../../tasks/repository.ts';
import type { EmbedDeps } from './deps.ts';
import { noSuchTask } from './represent.ts';

/**
 * Opens the result of a ready task.
 * @returns undefined if the result is missing and the task was restarted
 * @throws {ReelvecError} `resource_not_exist` if the task was deleted meanwhile
 */
export async function openResult(
  deps: EmbedDeps,
  task: Task,
  open: () => Promise<Readable>,
): Promise<Readable | undefined> {
  try {
    return await open();
  } catch (error) {
    const current = await deps.tasks.get(task.id, task.owner);
    if (!current) throw noSuchTask(task.id);
    if (!(error instanceof BlobNotFound)) throw error;
    if (current.status === 'ready') await rebuildResult(deps, task);
    return undefined;
  }
}
