import type { JobEngine } from '../jobs/engine.ts';
import type { Logger } from '../observe/logger.ts';
import type { BlobStore } from '../store/blobs.ts';
import type { TaskRepository } from './repository.ts';

export interface SweepDeps {
  readonly tasks: TaskRepository;
  readonly blobs: BlobStore;
  readonly engine: JobEngine;
  readonly log: Logger;
  /** Starts the durable run of a task. */
  readonly start: (taskId: string) => Promise<void>;
}

/**
 * Makes rows and runs agree: a task whose run was not started, because a crash came between the two, is started; one
 * whose run gave up is failed.
 */
export async function sweepTasks({ tasks, engine, log, start }: SweepDeps): Promise<void> {
  for (const task of await tasks.unfinished()) {
    const run = task.runId === undefined ? undefined : await engine.status(task.runId);
    if (run === 'unfinished') continue;
    if (run === undefined) {
      await start(task.id);
      log.info({ taskId: task.id }, 'task started late');
      continue;
    }
    // Looked at again: it may have ended between the list and the look at its run.
    if ((await tasks.get(task.id))?.status !== 'processing') continue;
    log.error({ taskId: task.id, runId: task.runId }, 'task gave up');
    await tasks.setFailed(task.id, {
      code: 'internal_server_error',
      message: 'The task could not be completed because of a fault of the server, not of the media. Create it again.',
    });
  }
}

/** Removes what tasks left behind that are gone: a crash may come between a row's end and its blobs'. At start only. */
export async function sweepTaskBlobs({ tasks, blobs }: Pick<SweepDeps, 'tasks' | 'blobs'>): Promise<void> {
  const gone = new Set<string>();
  for await (const key of blobs.list('tasks/')) {
    const id = key.split('/')[1]!;
    if (!gone.has(id) && !(await tasks.get(id))) gone.add(id);
  }
  for (const id of gone) await blobs.remove(`tasks/${id}/`);
}
