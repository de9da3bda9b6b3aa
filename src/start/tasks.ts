import type { Config } from '../config.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import type { InFlightSteps } from '../jobs/in-flight-steps.ts';
import type { Logger } from '../observe/logger.ts';
import type { UrlGuard } from '../sources/url-guard.ts';
import type { Task } from '../tasks/repository.ts';
import { TaskStarter } from '../tasks/starter.ts';
import { TaskWork } from '../tasks/work.ts';
import { taskWorkflows } from '../tasks/workflow.ts';
import type { MediaPools } from './media-pools.ts';
import type { ShutdownList } from './shutdown.ts';
import type { State } from './state.ts';

export interface TasksOptions {
  readonly config: Config;
  readonly state: State;
  readonly bundle: BundleInfo;
  readonly urls: UrlGuard;
  readonly pools: Pick<MediaPools, 'media' | 'probes'>;
  readonly steps: InFlightSteps;
  readonly shutdown: ShutdownList;
  readonly log: Logger;
}

export interface Tasks extends ReturnType<typeof taskWorkflows> {
  readonly work: TaskWork;
  /** Starts the durable run of a task. */
  readonly start: (task: Task) => Promise<void>;
}

/** Composes the durable workflows of tasks and their start. */
export function openTasks({ config, state, bundle, urls, pools, steps, shutdown, log }: TasksOptions): Tasks {
  const { db, engine, tasks, assets, blobs, dedupedMedia, quotas } = state;
  const work = new TaskWork({
    db,
    tasks,
    blobs,
    dedupedMedia,
    assets,
    urls,
    limits: config,
    quotas,
    maxSegmentSec: config.maxSegmentSec,
    bundle,
    media: pools.media,
    probes: pools.probes,
    log,
    steps,
  });
  const workflows = taskWorkflows(work, (runId) => engine.releaseSlot(runId));
  const starter = new TaskStarter({
    tasks,
    // Each rebuild of a lost result is a run of its own.
    enqueue: ({ id, owner, round }) =>
      engine.start(workflows.embedTask, { taskId: id, owner }, round === 0 ? id : `${id}-${round}`),
    onSaveFailed: (error) => log.warn({ err: error }, 'run id not saved'),
  });
  shutdown.add('starts', () => starter.flush());
  return { ...workflows, work, start: (task) => starter.start(task) };
}
