import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow } from 'openworkflow';
import { BackendSqlite } from 'openworkflow/sqlite';
import { pino } from 'pino';
import { gate, isPending, settle } from '../../test/support/claim-loop.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import { type AnyWorkflow, JobEngine } from './engine.ts';
import { SqliteJobStore } from './job-store-sqlite.ts';

/** Longer than the wait for the first retry of a call, which is not faked. */
const RETRIED_MS = 150;

/** An engine whose timers are faked, so that no poll hides a missing notification. Runs of `work` end on command. */
async function openEngine(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const stack = new AsyncDisposableStack();
  t.after(() => stack.disposeAsync());
  const folder = stack.use(temporaryFolder());
  const engine = await JobEngine.openEmbedded(`${folder.path}/jobs.db`, pino({ level: 'silent' }));
  stack.defer(() => engine.close());
  const ends: (() => void)[] = [];
  stack.defer(async () => {
    const drained = engine.drain();
    for (const end of ends) end();
    await settle();
    await drained;
  });
  const begun: string[] = [];
  const bodyOf = (name: string) => async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    begun.push(name);
    ends.push(resolve);
    await promise;
  };
  const [work, other] = ['work', 'other'].map((name) => defineWorkflow({ name }, bodyOf(name)) as AnyWorkflow);
  return {
    ...{ engine, work: work!, begun, other: other! },
    start: (key: string, workflow = work!) => engine.start(workflow, { taskId: key }, key),
    endAll() {
      for (const end of ends) end();
    },
    /** Number of the store's unfinished runs that wait, and of those that a worker holds. */
    async lengths() {
      const [{ waiting, running } = { waiting: 0, running: 0 }] = await engine.count();
      return { waiting, running };
    },
  };
}

/** Blocks the claims of all stores. */
function blockClaims(t: TestContext): { open(): void } {
  const { open, opened } = gate();
  const { claim } = SqliteJobStore.prototype;
  t.mock.method(SqliteJobStore.prototype, 'claim', async function (this: SqliteJobStore, ...given: never) {
    await opened;
    return Reflect.apply(claim, this, given);
  });
  return { open };
}

test('a run that is started while the loop idles begins without a poll', async (t) => {
  const { engine, work, start, begun } = await openEngine(t);
  engine.work({ workflows: [work], concurrency: 1 });
  await settle();
  await start('a');
  await settle();
  assert.deepEqual(begun, ['work']);
});

test('draining, finishing and releasing leases wait for a claim in progress', async (t) => {
  const { engine, work, start, lengths, endAll } = await openEngine(t);
  const claims = blockClaims(t);
  await start('a');
  engine.work({ workflows: [work], concurrency: 1 });
  await settle();
  const ends = [engine.drain(), engine.finish(AbortSignal.abort()), engine.releaseLeases()];
  for (const end of ends) assert.equal(await isPending(end), true);
  claims.open();
  await Promise.all(ends);
  assert.deepEqual(await lengths(), { waiting: 1, running: 0 }, 'the run that was claimed meanwhile is released');
  endAll();
});

test('finishing waits for the runs of all loops', async (t) => {
  const { engine, work, other, start, endAll } = await openEngine(t);
  engine.work({ workflows: [work], concurrency: 1 });
  engine.work({ workflows: [other], concurrency: 1 });
  await start('a', other);
  await settle();
  const finished = engine.finish(new AbortController().signal);
  assert.equal(await isPending(finished), true);
  endAll();
  await settle();
  t.mock.timers.tick(1000);
  assert.equal(await isPending(finished), false);
});

test('a shutdown without runs in flight needs no database', async (t) => {
  const { engine, work } = await openEngine(t);
  const { mock } = t.mock.method(SqliteJobStore.prototype, 'release', async () => {
    throw new Error('unavailable');
  });
  engine.work({ workflows: [work], concurrency: 2 });
  await engine.releaseLeases();
  assert.equal(mock.callCount(), 0);
});

test('leases are released once the database has done so, and what the runs still want of it is given up', async (t) => {
  const { engine, work, start, lengths, endAll } = await openEngine(t);
  const complete = t.mock.method(BackendSqlite.prototype, 'completeWorkflowRun', async () => {
    throw Object.assign(new Error('write'), { code: 'CONNECTION_CLOSED' });
  });
  await start('a');
  engine.work({ workflows: [work], concurrency: 1 });
  await settle();
  endAll();
  await settle();
  const { open, opened } = gate();
  const { release } = SqliteJobStore.prototype;
  t.mock.method(SqliteJobStore.prototype, 'release', async function (this: SqliteJobStore, ids: readonly string[]) {
    await opened;
    return release.call(this, ids);
  });
  const released = engine.releaseLeases();
  assert.equal(await isPending(released), true);
  open();
  await released;
  assert.deepEqual(await lengths(), { waiting: 1, running: 0 });
  const calls = complete.mock.callCount();
  await sleep(RETRIED_MS);
  assert.equal(complete.mock.callCount(), calls);
});

test('a slot is released whichever loop executes the run', async (t) => {
  const { engine, work, other, start, begun } = await openEngine(t);
  engine.work({ workflows: [other], concurrency: 1 });
  engine.work({ workflows: [work], concurrency: 1 });
  const id = await start('a');
  await start('b');
  await settle();
  assert.deepEqual(begun, ['work']);
  engine.releaseSlot(id);
  await settle();
  assert.deepEqual(begun, ['work', 'work']);
});

test('the end of a child wakes its parent at once; other nodes are notified of the child, not of ends', async (t) => {
  const { engine } = await openEngine(t);
  const { mock } = t.mock.method(SqliteJobStore.prototype, 'notifyNodes');
  const child = defineWorkflow({ name: 'child' }, async () => 'done');
  const parent = defineWorkflow({ name: 'parent' }, ({ step }) => step.runWorkflow(child.spec, {}));
  engine.work({ workflows: [parent as AnyWorkflow], concurrency: 1 });
  engine.work({ workflows: [child as AnyWorkflow], concurrency: 1 });
  const id = await engine.start(parent, {}, 'a');
  await settle();
  await settle();
  assert.equal((await engine.statuses([id])).get(id), 'completed');
  assert.equal(mock.callCount(), 1);
});

test('maintenance executes a parent whose child ended without waking it', async (t) => {
  const { engine } = await openEngine(t);
  const child = defineWorkflow({ name: 'child' }, async () => {}) as AnyWorkflow;
  const parent = defineWorkflow({ name: 'parent' }, ({ step }) => step.runWorkflow(child.spec, { taskId: 'a' }));
  engine.work({ workflows: [parent as AnyWorkflow], concurrency: 1 });
  const id = await engine.start(parent, {}, 'a');
  await settle();
  assert.equal(await engine.cancel([child], ['a']), 1);
  await settle();
  assert.equal((await engine.statuses([id])).get(id), 'unfinished');
  await engine.maintain();
  await settle();
  assert.equal((await engine.statuses([id])).get(id), 'failed');
});

test('an engine is closed once its store is', async (t) => {
  using folder = temporaryFolder();
  const engine = await JobEngine.openEmbedded(`${folder.path}/jobs.db`, pino({ level: 'silent' }));
  const { open, opened } = gate();
  const { close } = SqliteJobStore.prototype;
  t.mock.method(SqliteJobStore.prototype, 'close', async function (this: SqliteJobStore) {
    await opened;
    return close.call(this);
  });
  const closed = engine.close();
  assert.equal(await isPending(closed), true);
  open();
  await closed;
  await assert.rejects(async () => engine.count(), /not open/);
});
