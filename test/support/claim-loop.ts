import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { defineWorkflow } from 'openworkflow';
import pino from 'pino';
import { ClaimLoop, type ClaimLoopOptions } from '../../src/jobs/claim-loop.ts';
import type { AnyWorkflow } from '../../src/jobs/job-store.ts';
import { SqliteJobStore } from '../../src/jobs/job-store-sqlite.ts';
import { temporaryFolder } from './server.ts';

/** Turns of the event loop that suffice for claims and runs, since SQLite answers at once and timers are faked. */
const TURNS = 60;

/** A run that has begun, and ends on command. */
interface BegunRun {
  readonly id: string;
  readonly task: string;
  end(): void;
}

/**
 * A claim loop over a store of its own. It executes the workflow `work`, whose runs end on command, and others. Timers are
 * faked: only a test's `tick` lets time pass. `calls` counts the calls of the store.
 */
export async function openLoop(
  t: TestContext,
  { workflows = [], ...options }: Partial<ClaimLoopOptions> & { readonly workflows?: readonly AnyWorkflow[] } = {},
) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: Date.now() });
  let nowMs = 10_000;
  t.mock.method(performance, 'now', () => nowMs);
  const stack = new AsyncDisposableStack();
  t.after(() => stack.disposeAsync());
  const folder = stack.use(temporaryFolder());
  const path = `${folder.path}/jobs.db`;
  const store = new SqliteJobStore(path);
  stack.defer(() => store.close());
  const calls = { waiting: 0, claim: 0, release: [] as (readonly string[] | undefined)[] };
  const [waiting, claim, release] = [store.waiting, store.claim, store.release].map((method) => method.bind(store)) as [
    SqliteJobStore['waiting'],
    SqliteJobStore['claim'],
    SqliteJobStore['release'],
  ];
  store.waiting = (names) => {
    calls.waiting++;
    return waiting(names);
  };
  store.claim = (...given) => {
    calls.claim++;
    return claim(...given);
  };
  store.release = async (workerIds) => {
    calls.release.push(workerIds);
    return release(workerIds);
  };
  const begun: BegunRun[] = [];
  const work = defineWorkflow({ name: 'work' }, async ({ input, run }: Given) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    begun.push({ id: run.id, task: input.taskId, end: resolve });
    await promise;
  });
  const log: Record<string, unknown>[] = [];
  const changes: string[] = [];
  const loop: ClaimLoop = new ClaimLoop(
    store,
    {
      workflows: [work as AnyWorkflow, ...workflows],
      concurrency: 1,
      onChange: (change) => {
        changes.push(change);
        loop.notify();
      },
      ...options,
    },
    pino({}, { write: (line: string) => void log.push(JSON.parse(line)) }),
  );
  stack.defer(async () => {
    const stopped = loop.stop();
    for (const { end } of begun) end();
    await settle();
    await stopped;
  });
  return {
    ...{ loop, store, path, calls, log, changes, begun, claim },
    /** Tasks whose runs have begun, after all that can happen without a timer has happened. */
    async tasks() {
      await settle();
      return begun.map(({ task }) => task);
    },
    /** Creates runs without notifying the loop. */
    async create(...tasks: string[]) {
      for (const name of tasks) {
        const [owner, taskId] = name.includes('/') ? name.split('/') : ['me', name];
        await store.create({ workflow: 'work', key: name, input: { owner, taskId } });
      }
    },
    /** Ids of runs of one of the workflows, each of a task of its own. */
    start: (workflow: string, ...tasks: string[]) =>
      Promise.all(tasks.map((taskId) => store.create({ workflow, key: taskId, input: { owner: 'me', taskId } }))),
    /** Lets time pass. */
    async tick(ms: number) {
      nowMs += ms;
      t.mock.timers.tick(ms);
      await settle();
    },
  };
}

type Given = { input: { taskId: string }; run: { id: string } };

/** Waits until all has happened that can happen without a timer. */
export async function settle(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await turn();
}

/** Blocks calls of an asynchronous function until it is opened. */
export function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}

/** True if a promise is not settled by all that can happen without a timer. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => false), settle().then(() => true)]);
}
