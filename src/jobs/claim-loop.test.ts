import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow } from 'openworkflow';
import pino from 'pino';
import { temporaryFolder, until } from '../../test/support/server.ts';
import { type AnyWorkflow, JobEngine } from './engine.ts';

/** Longer than a claim loop with free slots needs to claim waiting runs. */
const CLAIM_TIME_MS = 150;

/** A claim loop whose runs release their slot (`leave`) and end on command. */
async function openClaimLoop({
  concurrency,
  hasRoom,
}: {
  concurrency: number;
  hasRoom?: (running: number) => boolean;
}) {
  await using stack = new AsyncDisposableStack();
  const begun: string[] = [];
  const runs = new Map<string, { leave: () => void; end: () => void }>();
  const folder = stack.use(temporaryFolder());
  const engine = await JobEngine.openEmbedded(`${folder.path}/jobs.db`, pino({ level: 'silent' }));
  stack.defer(() => engine.close());
  stack.defer(() => engine.finish(AbortSignal.timeout(5000)));
  stack.defer(() => {
    for (const { end } of runs.values()) end();
  });
  const workflow = defineWorkflow(
    { name: 'work' },
    async ({ input, run }: { input: { taskId: string }; run: { id: string } }) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      begun.push(input.taskId);
      runs.set(input.taskId, { leave: () => engine.releaseSlot(run.id), end: resolve });
      await promise;
    },
  );
  engine.work({ workflows: [workflow as AnyWorkflow], concurrency, ...(hasRoom && { hasRoom }) });
  const all = stack.move();
  return {
    async ask(...tasks: string[]) {
      for (const taskId of tasks) await engine.start(workflow, { taskId }, taskId);
    },
    /** Runs that have begun, after waiting for those that can begin. */
    async begun() {
      await sleep(CLAIM_TIME_MS);
      return begun;
    },
    leave: (task: string) => runs.get(task)!.leave(),
    end: (task: string) => runs.get(task)!.end(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

test('a run that leaves its place makes room for one more, and no second time when it ends', async () => {
  await using loop = await openClaimLoop({ concurrency: 1 });
  await loop.ask('a', 'b', 'c');
  assert.deepEqual(await loop.begun(), ['a']);
  loop.leave('a');
  assert.deepEqual(await loop.begun(), ['a', 'b']);
  loop.end('a');
  assert.deepEqual(await loop.begun(), ['a', 'b']);
  loop.end('b');
  assert.deepEqual(await loop.begun(), ['a', 'b', 'c']);
});

test('no more runs are ending at a time than there are places', async () => {
  await using loop = await openClaimLoop({ concurrency: 1 });
  await loop.ask('a', 'b', 'c');
  for (const task of ['a', 'b']) {
    await loop.begun();
    loop.leave(task);
  }
  assert.deepEqual(await loop.begun(), ['a', 'b']);
  loop.end('a');
  assert.deepEqual(await loop.begun(), ['a', 'b', 'c']);
});

test('runs that have left their place do not count against the room for others', async () => {
  const asked: number[] = [];
  const hasRoom = (running: number) => {
    asked.push(running);
    return running === 0;
  };
  await using loop = await openClaimLoop({ concurrency: 2, hasRoom });
  await loop.ask('a', 'b');
  assert.deepEqual(await loop.begun(), ['a']);
  loop.leave('a');
  assert.deepEqual(await loop.begun(), ['a', 'b']);
  assert.ok(Math.max(...asked) === 1);
});

test('a run whose step attempt is lost in a crash of the database is executed again', async () => {
  await using stack = new AsyncDisposableStack();
  const path = `${stack.use(temporaryFolder()).path}/jobs.db`;
  const engine = await JobEngine.openEmbedded(path, pino({ level: 'silent' }));
  stack.defer(() => engine.close());
  stack.defer(() => engine.finish(AbortSignal.timeout(5000)));
  const executions: string[] = [];
  const workflow = defineWorkflow({ name: 'work' }, async ({ step }) => {
    await step.run({ name: 'kept' }, () => void executions.push('kept'));
    await step.run({ name: 'lost' }, () => {
      executions.push('lost');
      if (executions.length > 2) return;
      using database = new DatabaseSync(path);
      database.exec("delete from step_attempts where step_name = 'lost'");
    });
  });
  engine.work({ workflows: [workflow as AnyWorkflow], concurrency: 1 });
  const id = await engine.start(workflow, {}, 'a');
  await until(async () => (await engine.statuses([id])).get(id) !== 'unfinished', 10_000, 'the run ends');
  assert.equal((await engine.statuses([id])).get(id), 'completed');
  assert.deepEqual(executions, ['kept', 'lost', 'lost']);
});
