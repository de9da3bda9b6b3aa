import type { Logger } from '../observe/logger.ts';
import type { JobEngine } from './engine.ts';

/** Something that a durable run works on, in one table, while the run is in another store. */
interface Worked {
  readonly id: string;
  readonly runId?: string;
}

/**
 * Makes rows and runs agree: what has no run, because a crash came between the two, is started; what has one that
 * gave up is failed.
 */
export async function reconcile<Item extends Worked>(options: {
  engine: JobEngine;
  log: Logger;
  /** What is being worked on, or should be, as it stands now. */
  unfinished: () => Promise<Item[]>;
  start: (id: string) => Promise<void>;
  fail: (id: string, error: { code: 'internal_server_error'; message: string }) => Promise<void>;
}): Promise<void> {
  const { engine, log, unfinished, start, fail } = options;
  const items = await unfinished();
  const runs = await engine.statuses(items.map(({ runId }) => runId).filter((runId) => runId !== undefined));
  for (const { id, runId } of items) {
    const run = runId === undefined ? undefined : runs.get(runId);
    if (run === 'unfinished') continue;
    if (run === undefined) {
      await start(id);
      log.info({ id }, 'started late');
      continue;
    }
    // Looked at again: it may have ended between the list and the look at its run.
    if (!(await unfinished()).some((item) => item.id === id)) continue;
    const reason = await engine.reasonFor(runId!);
    log.error({ id, runId, reason }, 'gave up');
    await fail(id, {
      code: 'internal_server_error',
      message:
        'The work was tried again and again and could not be completed, because of a fault of the server and not of the ' +
        `media. ${reason === undefined ? '' : `In the end: ${reason} `}Create it again.`,
    });
  }
}
