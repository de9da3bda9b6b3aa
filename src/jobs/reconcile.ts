import type { Logger } from '../observe/logger.ts';
import type { JobEngine, RunFailure } from './engine.ts';

/** How many rows are compared with their runs at a time: a server has requests to answer in between. */
const AT_A_TIME = 500;

/**
 * Makes rows and runs agree: what has no run, because a crash came between the two, is started; what has one that
 * gave up is failed.
 */
export async function reconcile<Item extends { readonly id: string }>(options: {
  engine: JobEngine;
  log: Logger;
  /** What should be worked on and names no run. */
  unstarted: () => Promise<Item[]>;
  /** What should be worked on and names a run, in the order of the runs' ids. */
  started: (page: { after: string; limit: number }) => Promise<{ id: string; runId: string }[]>;
  /** An item as it stands now, unless it is over. */
  unfinished: (id: string) => Promise<Item | undefined>;
  start: (item: Item) => Promise<void>;
  fail: (id: string, error: { code: 'internal_server_error'; message: string }) => Promise<void>;
}): Promise<void> {
  const { engine, log, unstarted, started, unfinished, start, fail } = options;
  const startLate = async (item: Item) => {
    await start(item);
    log.info({ id: item.id }, 'started late');
  };
  for (const item of await unstarted()) await startLate(item);
  let after = '';
  for (;;) {
    const page = await started({ after, limit: AT_A_TIME });
    const runs = await engine.statuses(page.map(({ runId }) => runId));
    for (const { id, runId } of page) {
      const run = runs.get(runId);
      if (run === 'unfinished') continue;
      // Looked at again: it may have ended between the list and the look at its run.
      const item = await unfinished(id);
      if (!item) continue;
      if (run === undefined) {
        await startLate(item);
        continue;
      }
      const failure = await engine.failureOf(runId);
      log.error({ id, runId, ...failure }, 'gave up');
      await fail(id, { code: 'internal_server_error', message: messageOf(failure) });
    }
    if (page.length < AT_A_TIME) return;
    after = page.at(-1)!.runId;
  }
}

function messageOf({ reason, attempts }: RunFailure): string {
  const tried = attempts === 0 ? '' : `It was tried ${attempts === 1 ? 'once' : `${attempts} times`}. `;
  const inTheEnd = reason === undefined ? '' : `In the end: ${reason} `;
  return (
    'The work could not be completed, because of a fault of the server and not of the media. ' +
    `${tried}${inTheEnd}Create it again.`
  );
}
