import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineWorkflow } from 'openworkflow';
import pino from 'pino';
import { temporaryFolder } from '../../test/support/server.ts';
import { ReelvecError } from '../errors.ts';
import { type AnyWorkflow, JobEngine } from './engine.ts';

/** Longer than a run takes on a busy machine. */
const WAIT_MS = 20_000;

type Input = { taskId: string; owner?: string };
type Step = (...args: unknown[]) => Promise<unknown>;
type Run = { input: Input; run: { id: string }; step: { run: Step; runWorkflow: Step } };

/** An engine over a file of its own, and workflows whose bodies the test gives. */
async function open(bodies: Record<string, (run: Run) => Promise<unknown>>) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder());
  const log: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line)) });
  const path = `${folder.path}/jobs.db`;
  const engine = await JobEngine.openEmbedded(path, logger);
  stack.defer(() => engine.close());
  stack.defer(() => engine.finish(AbortSignal.timeout(2000)));
  const names = Object.keys(bodies);
  const flows = Object.fromEntries(
    names.map((name) => [name, defineWorkflow({ name }, bodies[name] as never) as unknown as AnyWorkflow]),
  );
  const all = stack.move();
  return {
    ...{ engine, log, path, flows, logger },
    list: names.map((name) => flows[name]!),
    start: (name: string, input: Input, key = input.taskId) => engine.start(flows[name] as never, input as never, key),
    /** Waits until a run is held. */
    async held() {
      for (const until = Date.now() + WAIT_MS; (await engine.count())[0]?.running !== 1; ) {
        assert.ok(Date.now() < until, 'no run is held');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async ended(id: string, status: 'completed' | 'failed') {
      for (const until = Date.now() + WAIT_MS; Date.now() < until; ) {
        if ((await engine.statuses([id])).get(id) === status) return;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.fail(`is ${(await engine.statuses([id])).get(id)}, not ${status}`);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

test('a key has one run; the run is executed once, and its status is known', async () => {
  const begun: string[] = [];
  await using t = await open({ work: async ({ input }) => void begun.push(input.taskId) });
  const id = await t.start('work', { taskId: 'a' });
  assert.equal(await t.start('work', { taskId: 'a' }), id);
  assert.notEqual(await t.start('work', { taskId: 'b' }), id);
  assert.deepEqual([...(await t.engine.statuses([id, 'unknown']))], [[id, 'unfinished']]);
  assert.deepEqual(await t.engine.count(), [{ workflow: 'work', waiting: 2, running: 0 }]);
  t.engine.work({ workflows: t.list, concurrency: 1 });
  await t.ended(id, 'completed');
  await t.engine.finish(AbortSignal.timeout(5000));
  assert.deepEqual(
    begun.filter((task) => task === 'a'),
    ['a'],
  );
});

test('a run that is started while the loop idles begins at once', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  await using t = await open({ work: async () => resolve(performance.now()) });
  t.engine.work({ workflows: t.list, concurrency: 1 });
  await new Promise((done) => setTimeout(done, 100));
  const started = performance.now();
  await t.start('work', { taskId: 'a' });
  assert.ok((await promise) - started < 900, 'not only at the next poll');
});

test('runs that nobody holds are listed by subject and can be canceled; held ones go on', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  await using t = await open({
    work: async () => {
      begin();
      await promise;
    },
    other: async () => {},
  });
  const held = await t.start('work', { taskId: 'held' });
  t.engine.work({ workflows: t.list.slice(0, 1), concurrency: 1 });
  await begun;
  const waiting = await Promise.all(['c', 'a', 'b'].map((taskId) => t.start('work', { taskId })));
  await t.start('other', { taskId: 'z' });
  const subjects = (after: string, limit: number) => t.engine.waitingSubjects([t.flows['work']!], { after, limit });
  assert.deepEqual(await subjects('', 10), ['a', 'b', 'c']);
  assert.deepEqual(await subjects('a', 1), ['b']);
  assert.equal(await t.engine.cancel([t.flows['work']!], ['a', 'b', 'held', 'z']), 2);
  assert.deepEqual(await subjects('', 10), ['c']);
  const statuses = await t.engine.statuses([held, ...waiting]);
  assert.deepEqual(
    [held, ...waiting].map((id) => statuses.get(id)),
    ['unfinished', 'unfinished', 'failed', 'failed'],
  );
  resolve();
  await t.ended(held, 'completed');
});

test('a failure tells the client only what is meant for it, and how often its step was tried', async () => {
  await using t = await open({
    told: async ({ step }) => {
      await step.run({ name: 'fine' }, async () => {});
      await step.run({ name: 'bad', retryPolicy: { maximumAttempts: 2, initialInterval: '1ms' } }, async () => {
        throw new ReelvecError('video_file_broken', 'It is broken.');
      });
    },
    untold: async () => {
      throw new Error('a secret');
    },
    parent: async ({ step }) => step.runWorkflow(t.flows['untold']!.spec, { taskId: 'child' }, { name: 'child' }),
  });
  t.engine.work({ workflows: t.list, concurrency: 3 });
  const told = await t.start('told', { taskId: 'a' });
  await t.ended(told, 'failed');
  assert.deepEqual(await t.engine.failureOf(told), { error: 'It is broken.', reason: 'It is broken.', attempts: 2 });
  const untold = await t.start('untold', { taskId: 'b' });
  await t.ended(untold, 'failed');
  assert.deepEqual(await t.engine.failureOf(untold), { error: 'a secret', reason: undefined, attempts: 0 });
  assert.deepEqual(await t.engine.failureOf('unknown'), { error: undefined, reason: undefined, attempts: 0 });
});

test('draining claims nothing more and lets held runs end', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const begun: string[] = [];
  await using t = await open({
    work: async ({ input }) => {
      begun.push(input.taskId);
      await promise;
    },
  });
  const id = await t.start('work', { taskId: 'a' });
  t.engine.work({ workflows: t.list, concurrency: 2 });
  while (begun.length === 0) await new Promise((done) => setTimeout(done, 5));
  await t.engine.drain();
  await t.start('work', { taskId: 'b' });
  const finished = t.engine.finish(AbortSignal.timeout(10_000)).then(() => 'finished');
  assert.equal(await Promise.race([finished, new Promise((done) => setTimeout(done, 150, 'waits'))]), 'waits');
  resolve();
  assert.equal(await finished, 'finished');
  await t.ended(id, 'completed');
  assert.deepEqual(begun, ['a']);
});

test('waiting for held runs ends with its signal', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using t = await open({ work: () => promise });
  const id = await t.start('work', { taskId: 'a' });
  t.engine.work({ workflows: t.list, concurrency: 1 });
  await t.held();
  await t.engine.finish(AbortSignal.timeout(100));
  assert.equal((await t.engine.statuses([id])).get(id), 'unfinished');
  resolve();
});

test('released leases are free for others at once; so are those of a dead process when the file is opened', async () => {
  for (const release of [true, false]) {
    const { promise, resolve } = Promise.withResolvers<void>();
    await using t = await open({ work: () => promise });
    await t.start('work', { taskId: 'a' });
    t.engine.work({ workflows: t.list, concurrency: 1 });
    await t.held();
    assert.deepEqual(await t.engine.count(), [{ workflow: 'work', waiting: 0, running: 1 }]);
    if (release) await t.engine.releaseLeases();
    else await (await JobEngine.openEmbedded(t.path, t.logger)).close();
    assert.deepEqual(await t.engine.count(), [{ workflow: 'work', waiting: 1, running: 0 }]);
    resolve();
  }
});

test('maintenance deletes runs that ended over a week ago, with their keys, and no others', async (t) => {
  await using made = await open({ work: async () => {} });
  made.engine.work({ workflows: made.list, concurrency: 1 });
  const id = await made.start('work', { taskId: 'a' });
  await made.ended(id, 'completed');
  const waiting = await made.start('work', { taskId: 'b', owner: 'me' }, 'later');
  const DAY_MS = 24 * 3_600_000;
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 7 * DAY_MS - 60_000 });
  await made.engine.maintain();
  assert.ok((await made.engine.statuses([id])).has(id));
  t.mock.timers.setTime(Date.now() + 120_000);
  await made.engine.maintain();
  assert.ok(!(await made.engine.statuses([id])).has(id));
  assert.ok((await made.engine.statuses([waiting])).has(waiting));
});
