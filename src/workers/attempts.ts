import { ReelvecError } from '../errors.ts';
import type { RunOptions, WorkerPool } from './pool.ts';
import type { Job, Results } from './protocol.ts';
import { WorkerLost, WorkerNotStarted, WorkerStalled } from './supervised-process.ts';

/** How often a job is tried when the worker dies on it: what kills two workers is the media. */
const ATTEMPTS = 2;

/**
 * Runs a job that decodes media, and once more when the worker is lost on it or does not start.
 * @throws {ReelvecError} `video_file_broken` when the second worker is lost too; `service_unavailable` when one stalls,
 *   which says nothing of the media
 * @throws {WorkerNotStarted} which is no fault of the media
 */
export async function runTwice<Kind extends Job['kind']>(
  pool: WorkerPool,
  job: Extract<Job, { kind: Kind }>,
  options: RunOptions,
): Promise<Results[Kind]> {
  try {
    return await tryTwice<Kind>(pool, job, options);
  } catch (error) {
    if (error instanceof WorkerStalled) throw unanswered(error);
    throw error instanceof WorkerLost ? unprocessable(error) : error;
  }
}

/**
 * Runs a job, and once more when the worker is lost on it or does not start. Not when one stalls: another would here and
 * now do no better.
 * @throws {WorkerLost} when the second worker is lost too
 * @throws {WorkerStalled}
 * @throws {WorkerNotStarted}
 */
export async function tryTwice<Kind extends Job['kind']>(
  pool: WorkerPool,
  job: Extract<Job, { kind: Kind }>,
  options: RunOptions,
): Promise<Results[Kind]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await pool.run<Kind>(job, options);
    } catch (error) {
      const again = error instanceof WorkerLost || error instanceof WorkerNotStarted;
      if (!again || error instanceof WorkerStalled || attempt === ATTEMPTS) throw error;
    }
  }
}

function unprocessable(cause: WorkerLost): ReelvecError {
  return new ReelvecError(
    'video_file_broken',
    `The media could not be processed: ${ATTEMPTS} attempts ended without a result. ${cause.message} ` +
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
