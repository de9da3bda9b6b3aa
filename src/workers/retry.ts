import { ReelvecError } from '../errors.ts';
import type { RunOptions, WorkerPool } from './pool.ts';
import type { Job, Results } from './protocol.ts';
import { WorkerKilled, WorkerLost, WorkerNotStarted, WorkerStalled } from './supervised-process.ts';

/** Maximum workers lost on one job. Media that crashes two is considered broken. */
const MAX_LOSSES = 2;
/** Maximum attempts to start a worker for one job. */
const MAX_STARTS = 2;

/**
 * Runs a job that decodes media, with one retry if the worker is lost or does not start.
 * @throws {ReelvecError} `video_file_broken` if the second worker is lost too; `service_unavailable` if one stalls or is
 *   killed from outside, which does not implicate the media
 * @throws {WorkerNotStarted} if no worker could be started, which does not implicate the media
 */
export async function runWithRetry<Kind extends Job['kind']>(
  pool: WorkerPool,
  job: Extract<Job, { kind: Kind }>,
  options: RunOptions,
): Promise<Results[Kind]> {
  try {
    return await retryLostWorker<Kind>(pool, job, options);
  } catch (error) {
    if (error instanceof WorkerKilled) throw workerKilled(error);
    if (error instanceof WorkerStalled) throw workerStalled(error);
    throw error instanceof WorkerLost ? mediaBroken(error) : error;
  }
}

/**
 * Runs a job, with one retry if the worker is lost or does not start. A stalled worker, or one killed from outside, is not
 * retried: the machine would treat the next one the same.
 * @throws {WorkerLost} if the second worker is lost too
 * @throws {WorkerStalled} if a worker stalls or is killed from outside
 * @throws {WorkerNotStarted} if the second start fails too
 */
export async function retryLostWorker<Kind extends Job['kind']>(
  pool: WorkerPool,
  job: Extract<Job, { kind: Kind }>,
  options: RunOptions,
): Promise<Results[Kind]> {
  // Separate counters: one crash after a failed start does not implicate the media.
  let lost = 0;
  let notStarted = 0;
  for (;;) {
    try {
      return await pool.run<Kind>(job, options);
    } catch (error) {
      if (error instanceof WorkerLost && !(error instanceof WorkerStalled) && ++lost < MAX_LOSSES) continue;
      if (error instanceof WorkerNotStarted && ++notStarted < MAX_STARTS) continue;
      throw error;
    }
  }
}

function mediaBroken(cause: WorkerLost): ReelvecError {
  return new ReelvecError(
    'video_file_broken',
    `The media could not be processed: ${MAX_LOSSES} attempts ended without a result. ${cause.message} ` +
      'Check that the file plays in a media player, or encode it again.',
    { cause },
  );
}

function workerStalled(cause: WorkerStalled): ReelvecError {
  return new ReelvecError(
    'service_unavailable',
    `Processing stopped answering. ${cause.message} It was not at work meanwhile: the machine may have been frozen, or have ` +
      'had too much to do. Nothing says that the media is at fault.',
    { cause },
  );
}

function workerKilled(cause: WorkerKilled): ReelvecError {
  return new ReelvecError(
    'service_unavailable',
    `Processing was ended from outside. ${cause.message} Nothing says that the media is at fault. Where memory is short, give ` +
      'the server more, or set a lower REELVEC_WORKERS or REELVEC_WORKER_MEMORY_MB.',
    { cause },
  );
}
