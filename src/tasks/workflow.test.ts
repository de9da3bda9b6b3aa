import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChunkReport } from './warnings.ts';
import { ASSET_NOT_READY, type ChunkInput, type Plan, sourceKey, type TaskWork } from './work.ts';
import { type TaskInput, taskWorkflows } from './workflow.ts';

const input: TaskInput = { taskId: 'task', owner: 'me' };
const plan: Plan = { chunks: 2, options: ['visual'], warnings: ['w'], bundle: 'signal@1' };
const report = { segments: 1 } as ChunkReport;

interface Script {
  /** Results of the fetch steps, in order. */
  readonly fetched?: unknown[];
  readonly plan?: Plan | null;
  /** Result or failure of a chunk. */
  readonly chunk?: (number: number) => Promise<ChunkReport | null>;
}

/** Runs the workflow of a task with steps that are executed at once. @returns the steps in order */
async function run({ fetched = ['key'], plan: planned = plan, chunk = async () => report }: Script = {}) {
  const calls: unknown[][] = [];
  const left = [...fetched];
  const called = <T>(call: unknown[], result: T): T => {
    calls.push(call);
    return result;
  };
  const work = {
    fetch: async (id: string) => called(['work.fetch', id], left.shift()),
    plan: async (id: string, source: string) => called(['work.plan', id, source], planned),
    finish: async (...args: unknown[]) => called(['work.finish', ...args], null),
  } as unknown as TaskWork;
  const step = {
    run: async ({ name }: { name: string }, body: () => Promise<unknown>) => called(['step', name], body)(),
    sleep: async (name: string, delay: string) => {
      calls.push(['sleep', name, delay]);
      await new Promise((resolve) => setImmediate(resolve));
      calls.push(['awake', name]);
    },
    runWorkflow: (spec: { name: string }, child: ChunkInput, { name }: { name: string }) => {
      calls.push(['child', spec.name, name, child]);
      return chunk(child.number);
    },
  };
  const { embedTask } = taskWorkflows(work, () => assert.fail('no chunk runs here'));
  const outcome = await Promise.resolve(embedTask.fn({ input, step } as never)).then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );
  return { calls, ...outcome } as { calls: unknown[][]; result?: unknown; error?: Error };
}

const child = (number: number) => ({
  ...{ taskId: 'task', number, options: ['visual'], source: 'key', bundle: 'signal@1', owner: 'me' },
});

test('a task is fetched, planned, embedded chunk by chunk and finished', async () => {
  const { calls, result } = await run();
  assert.equal(result, null);
  assert.deepEqual(calls, [
    ['step', 'fetch'],
    ['work.fetch', 'task'],
    ['step', 'plan'],
    ['work.plan', 'task', 'key'],
    ['child', 'embed-chunk', 'chunk-0', child(0)],
    ['child', 'embed-chunk', 'chunk-1', child(1)],
    ['step', 'finish'],
    ['work.finish', 'task', plan, [report, report]],
  ]);
});

test('an asset in preparation is polled at growing intervals of at most a minute', async () => {
  const { calls } = await run({ fetched: [...Array.from({ length: 18 }, () => ASSET_NOT_READY), 'key'] });
  const sleeps = calls.filter(([kind]) => kind === 'sleep');
  assert.deepEqual(sleeps.slice(0, 4), [
    ['sleep', 'asset-1', '1s'],
    ['sleep', 'asset-2', '2s'],
    ['sleep', 'asset-3', '2s'],
    ['sleep', 'asset-4', '3s'],
  ]);
  assert.deepEqual(sleeps.slice(-2), [
    ['sleep', 'asset-17', '60s'],
    ['sleep', 'asset-18', '60s'],
  ]);
  const between = calls.slice(calls.findIndex(([kind]) => kind === 'sleep')).slice(0, 3);
  assert.deepEqual(between, [
    ['sleep', 'asset-1', '1s'],
    ['awake', 'asset-1'],
    ['step', 'fetch-1'],
  ]);
  const fetches = calls.filter(([kind, name]) => kind === 'step' && String(name).startsWith('fetch'));
  assert.deepEqual(fetches.slice(0, 3), [
    ['step', 'fetch'],
    ['step', 'fetch-1'],
    ['step', 'fetch-2'],
  ]);
  assert.equal(fetches.length, 19);
  assert.equal(calls.at(-1)?.[0], 'work.finish');
});

test('an ended task runs no further step', async () => {
  const steps = async (script: Script) => (await run(script)).calls.filter(([kind]) => kind !== 'child').at(-1);
  assert.deepEqual(await steps({ fetched: [null] }), ['work.fetch', 'task']);
  assert.deepEqual(await steps({ fetched: [ASSET_NOT_READY, null] }), ['work.fetch', 'task']);
  assert.deepEqual(await steps({ plan: null }), ['work.plan', 'task', 'key']);
  assert.deepEqual(await steps({ chunk: async (number) => (number === 0 ? report : null) }), [
    'work.plan',
    'task',
    'key',
  ]);
});

test('a run of an older version reads the source that the request names', async () => {
  const { calls } = await run({ fetched: [true] });
  assert.deepEqual(calls[3], ['work.plan', 'task', sourceKey('task')]);
});

test('a failure waits until all chunks were started, and takes precedence over a suspension', async () => {
  const suspended = Object.assign(new Error('sleeps'), { name: 'SleepSignalError' });
  let isStarted = false;
  const { error } = await run({
    chunk: async (number) => {
      if (number === 0) throw suspended;
      await new Promise((resolve) => setImmediate(resolve));
      isStarted = true;
      throw new Error('failed');
    },
  });
  assert.equal(error?.message, 'failed');
  assert.ok(isStarted);
  const asleep = await run({ chunk: (number) => (number === 0 ? Promise.reject(suspended) : Promise.resolve(report)) });
  assert.equal(asleep.error, suspended);
  assert.ok(!asleep.calls.some(([kind]) => kind === 'work.finish'));
});

test('a chunk releases its slot once its vectors are computed', async () => {
  const released: string[] = [];
  const work = {
    embed: async (given: ChunkInput, { onEmbedded }: { onEmbedded: () => void }) => {
      assert.deepEqual(given, child(1));
      assert.deepEqual(released, []);
      onEmbedded();
      return report;
    },
  } as unknown as TaskWork;
  const { embedChunk } = taskWorkflows(work, (id) => released.push(id));
  const step = {
    run: ({ name }: { name: string }, body: () => unknown) => {
      assert.equal(name, 'embed');
      return body();
    },
  };
  assert.equal(await embedChunk.fn({ input: child(1), step, run: { id: 'run-1' } } as never), report);
  assert.deepEqual(released, ['run-1']);
});
