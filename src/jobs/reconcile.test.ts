import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow } from 'openworkflow';
import { pino } from 'pino';
import { ReelvecError } from '../errors.ts';
import { type AnyWorkflow, JobEngine, type RunFailure, type RunStatus } from './engine.ts';
import { reconcile } from './reconcile.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-reconcile-'));
after(() => rmSync(folder, { recursive: true }));
const log = pino({ level: 'silent' });

/** Runs a workflow whose child fails after some attempts. @returns the error that its row gets */
async function toldOf(error: Error, maximumAttempts: number): Promise<{ code: string; message: string } | undefined> {
  const engine = await JobEngine.openEmbedded(join(folder, `${error.name}.db`), log);
  const child = defineWorkflow({ name: 'child' }, ({ step }) =>
    step.run({ name: 'try', retryPolicy: { maximumAttempts, initialInterval: '10ms' } }, () => {
      throw error;
    }),
  );
  const parent = defineWorkflow({ name: 'parent' }, ({ step }) => step.runWorkflow(child.spec, {}));
  engine.work({ workflows: [parent, child] as AnyWorkflow[], concurrency: 2 });
  const runId = await engine.start(parent as AnyWorkflow, {}, 'key');
  try {
    while ((await engine.statuses([runId])).get(runId) === 'unfinished') await sleep(20);
    let told: { code: string; message: string } | undefined;
    await reconcile({
      engine,
      log,
      unstarted: async () => [],
      started: async () => [{ id: 'one', runId }],
      unfinished: async (id) => ({ id }),
      start: () => assert.fail('it has a run'),
      fail: async (_, given) => {
        told = given;
      },
    });
    return told;
  } finally {
    await engine.releaseLeases();
    await engine.close();
  }
}

test('what gave up tells a client how often it was tried and why, in words that were meant for clients', async () => {
  const told = await toldOf(new ReelvecError('service_unavailable', 'Processing stopped answering.'), 3);
  assert.equal(told?.code, 'internal_server_error');
  assert.match(
    told.message,
    /not of the media\. It was tried 3 times\. In the end: Processing stopped answering\. Create it again\.$/,
  );
});

test('and nothing of an error that was not', async () => {
  const told = await toldOf(new TypeError('cannot read secrets of undefined'), 1);
  assert.equal(told?.code, 'internal_server_error');
  assert.match(told.message, /not of the media\. It was tried once\. Create it again\.$/);
});

/** A row's id, the status of its run if it has one, and whether it is over when it is read again. */
type Row = readonly [id: string, run?: RunStatus | 'lost', isOver?: boolean];

/** Reconciles rows with the runs of a faked engine. @returns the calls, in order */
async function reconcileRows(rows: readonly Row[], failure: Partial<RunFailure> = {}): Promise<string[]> {
  const calls: string[] = [];
  const started = rows.filter(([, run]) => run !== undefined);
  const logger = pino({}, { write: (line: string) => void calls.push(`log: ${JSON.parse(line).msg}`) });
  await reconcile({
    engine: {
      async statuses(runIds: readonly string[]) {
        calls.push(`statuses of ${runIds.length}`);
        const known = started.filter(([id, run]) => run !== 'lost' && runIds.includes(`run of ${id}`));
        return new Map(known.map(([id, run]) => [`run of ${id}`, run]));
      },
      failureOf: async () => ({ error: undefined, reason: undefined, attempts: 0, ...failure }),
    } as unknown as JobEngine,
    log: logger,
    unstarted: async () => rows.filter(([, run]) => run === undefined).map(([id]) => ({ id })),
    started: async ({ after, limit }) =>
      started
        .map(([id]) => ({ id, runId: `run of ${id}` }))
        .filter(({ runId }) => runId > after)
        .slice(0, limit),
    unfinished: async (id) => (rows.some(([other, , isOver]) => other === id && isOver) ? undefined : { id }),
    start: async ({ id }) => {
      await sleep(1);
      calls.push(`start ${id}`);
    },
    fail: async (id, { code, message }) => {
      await sleep(1);
      calls.push(`fail ${id}: ${code}: ${message}`);
    },
  });
  return calls;
}

test('rows without a run are started, and so are those whose run is gone', async () => {
  assert.deepEqual(await reconcileRows([['new'], ['lost', 'lost'], ['runs', 'unfinished']]), [
    ...['start new', 'log: missing run started', 'statuses of 2', 'start lost', 'log: missing run started'],
  ]);
});

test('a row whose run ended without it fails; one that has ended meanwhile is left alone', async () => {
  const rows: Row[] = [
    ['a', 'failed'],
    ['b', 'completed', true],
    ['c', 'lost', true],
    ['d', 'completed'],
  ];
  const calls = await reconcileRows(rows);
  const message =
    'internal_server_error: The work could not be completed, because of a fault of the server and not of the media. ' +
    'Create it again.';
  assert.deepEqual(calls, [
    ...['statuses of 4', 'log: run failed', `fail a: ${message}`, 'log: run failed', `fail d: ${message}`],
  ]);
});

test('the message says how often the work was tried and why it failed, as far as that is known', async () => {
  const told = async (failure: Partial<RunFailure>) =>
    (await reconcileRows([['a', 'failed']], failure)).at(-1)!.replace(/.*not of the media\. /, '');
  assert.equal(await told({ attempts: 1 }), 'It was tried once. Create it again.');
  assert.equal(await told({ attempts: 2 }), 'It was tried 2 times. Create it again.');
  assert.equal(await told({ reason: 'The disk is full.' }), 'In the end: The disk is full. Create it again.');
});

test('many rows are compared in pages of 500', async () => {
  const rows = Array.from({ length: 1001 }, (_, i): Row => [String(i).padStart(4, '0'), 'unfinished']);
  assert.deepEqual(await reconcileRows(rows), ['statuses of 500', 'statuses of 500', 'statuses of 1']);
  assert.deepEqual(await reconcileRows(rows.slice(0, 500)), ['statuses of 500', 'statuses of 0']);
  assert.deepEqual(await reconcileRows(rows.slice(0, 499)), ['statuses of 499']);
});
