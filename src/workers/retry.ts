import { ReelvecError } from '../errors.ts';
import type { RunOptions, WorkerPool } from './pool.ts';
import type { Job, Results } from './protocol.ts';
import { WorkerKilled, WorkerLost, WorkerNotStarted, WorkerStalled } from './supervised-process.ts';

/** Most workers lost on one job: media that crashes two is to blame. */
const LOSSES = 2;
/** Most worker starts for one job, after failed starts and lost workers. */
const STARTS = 2;

/**
 * Runs a job that decodes media, and once more when the worker is lost on it or does not start.
 * @throws {ReelvecError} `video_file_broken` when the second worker is lost too; `service_unavailable` when one stalls or is
 *   killed from outside, which says nothing of the media
 * @throws {WorkerNotStarted} which is no fault of the media
 */
export async function runWithRetry<Kind extends Job['kind']>(
  pool: WorkerPool,
  job: Extract<Job, { kind: Kind }>,
  options: RunOptions,
): Promise<Results[Kind]> {
  try {
    return await retryLostWorker<Kind>(pool, job, options);
  } catch (error) {
    if (error instanceof WorkerKilled) throw killed(error);
    if (error instanceof WorkerStalled) throw unanswered(error);
    throw error instanceof WorkerLost ? unprocessable(error) : error;
  }
}

/**
 * Runs a job, and once more when the worker is lost on it or does not start. Not when one stalls or is killed from outside:
 * another would here and now do no better.
 * @throws {WorkerLost} when the second worker is lost too
 * @throws {WorkerStalled}
 * @throws {WorkerNotStarted}
 */
export async function retryLostWorker<Kind extends Job['kind']>(
  pool: WorkerPool,
  job: Extract<Job, { kind: Kind }>,
  options: RunOptions,
): Promise<Results[Kind]> {
  // Counted apart, so that media is blamed for two crashes and not for one after a failed start.
  let lost = 0;
  let notStarted = 0;
  for (;;) {
    try {
      return await pool.run<Kind>(job, options);
    } catch (error) {
      if (error instanceof WorkerLost && !(error instanceof WorkerStalled) && ++lost < LOSSES) continue;
      if (error instanceof WorkerNotStarted && ++notStarted < STARTS) continue;
      throw error;
    }
  }
}

function unprocessable(cause: WorkerLost): ReelvecError {
  return new ReelvecError(
    'video_file_broken',
    `The media could not be processed: ${LOSSES} attempts ended without a result. ${cause.message} ` +
      'Check that the file plays in a media player, or encode it again.',
    { cause },
  );
}

function unanswered(cause: WorkerStalled): ReelvecError {
  return new ReelvecError(
    'service_unavailable',
    `Processing stopped answering. ${cause.message} It was not at work meanwhile: the machine may have been frozen, or have ` +
      'had too much to do. Nothing says that the media is at fault.',
    { cause },
  );
}

function killed(cause: WorkerKilled): ReelvecError {
  return new ReelvecError(
    'service_unavailable',
    `Processing was ended from outside. ${cause.message} Nothing says that the media is at fault. Where memory is short, give ` +
      'the server more, or set a lower REELVEC_WORKERS or REELVEC_WORKER_MEMORY_MB.',
    { cause },
  );
}
