import type { Logger } from '../observe/logger.ts';
import type { JobEngine, RunFailure } from './engine.ts';

/** Rows compared with their runs per query. The server answers requests between two queries. */
const BATCH_SIZE = 500;

/**
 * Makes rows and runs agree. Starts rows that have no run, because a crash came between the two or the run was deleted, and
 * fails rows whose run has ended without them.
 */
export async function reconcile<Item extends { readonly id: string }>(options: {
  engine: JobEngine;
  log: Logger;
  /** Unfinished rows without a run. */
  unstarted: () => Promise<Item[]>;
  /** Unfinished rows with a run, sorted by run id. */
  started: (page: { after: string; limit: number }) => Promise<{ id: string; runId: string }[]>;
  /** Current state of a row; undefined if it has ended. */
  unfinished: (id: string) => Promise<Item | undefined>;
  start: (item: Item) => Promise<void>;
  fail: (id: string, error: { code: 'internal_server_error'; message: string }) => Promise<void>;
}): Promise<void> {
  const { engine, log, unstarted, started, unfinished, start, fail } = options;
  const startMissing = async (item: Item) => {
    await start(item);
    log.info({ id: item.id }, 'missing run started');
  };
  for (const item of await unstarted()) await startMissing(item);
  let after = '';
  for (;;) {
    const page = await started({ after, limit: BATCH_SIZE });
    const runs = await engine.statuses(page.map(({ runId }) => runId));
    for (const { id, runId } of page) {
      const run = runs.get(runId);
      if (run === 'unfinished') continue;
      // Read again: the row may have ended between the two queries.
      const item = await unfinished(id);
      if (!item) continue;
      if (run === undefined) {
        await startMissing(item);
        continue;
      }
      const failure = await engine.failureOf(runId);
      log.error({ id, runId, ...failure }, 'run failed');
      await fail(id, { code: 'internal_server_error', message: messageOf(failure) });
    }
    if (page.length < BATCH_SIZE) return;
    after = page.at(-1)!.runId;
  }
}

function messageOf({ reason, attempts }: RunFailure): string {
  const tried = attempts === 0 ? '' : `It was tried ${attempts === 1 ? 'once' : `${attempts} times`}. `;
  const lastError = reason === undefined ? '' : `In the end: ${reason} `;
  return (
    'The work could not be completed, because of a fault of the server and not of the media. ' +
    `${tried}${lastError}Create it again.`
  );
}
