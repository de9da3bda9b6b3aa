import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow } from 'openworkflow';
import { openLoop, settle } from '../../test/support/claim-loop.ts';
import type { AnyWorkflow } from './job-store.ts';

const HOUR_MS = 3_600_000;
/** Longer than the wait for the first retry of a call, which is not faked. */
const RETRIED_MS = 150;
/** OpenWorkflow extends leases of 30 s twice as often. */
const HEARTBEAT_MS = 15_000;

type Body = (step: Step, taskId: string) => Promise<unknown>;
type Step = {
  run(options: object, work: () => unknown): Promise<unknown>;
  runWorkflow(spec: object, input: object): Promise<unknown>;
  sleep(name: string, duration: string): Promise<void>;
};

/** A started claim loop with a workflow of this body, and what its database says about a run. */
async function openFlow(t: TestContext, body: Body, others: readonly AnyWorkflow[] = []) {
  const given = ({ step, input }: { step: Step; input: { taskId: string } }) => body(step, input.taskId);
  const flow = defineWorkflow({ name: 'flow' }, given as never) as unknown as AnyWorkflow;
  const opened = await openLoop(t, { workflows: [flow, ...others], concurrency: 2 });
  opened.loop.start();
  return {
    ...opened,
    async begin(taskId = 'a') {
      const [id] = await opened.start('flow', taskId);
      opened.loop.notify();
      await settle();
      return id!;
    },
    row(id: string) {
      using database = new DatabaseSync(opened.path, { readOnly: true });
      const found = database.prepare('select * from workflow_runs where id = ?').get(id)!;
      const availableAt = found['available_at'] === null ? undefined : Date.parse(String(found['available_at']));
      return { status: found['status'], workerId: found['worker_id'], attempts: found['attempts'], availableAt };
    },
  };
}

test('a lease is extended for as long as its run is executed', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { begin, row, tick } = await openFlow(t, () => promise);
  const id = await begin();
  const { availableAt } = row(id);
  for (let beats = 1; beats <= 4; beats++) {
    await tick(HEARTBEAT_MS);
    assert.equal(row(id).availableAt, availableAt! + beats * HEARTBEAT_MS);
  }
  resolve();
  await settle();
  assert.equal(row(id).status, 'completed');
});

test('a node whose run another node has taken logs it, and changes nothing of it', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { begin, row, tick, store, claim, log, loop } = await openFlow(t, () => promise);
  const id = await begin();
  const { workerId } = row(id);
  await store.release([String(workerId)]);
  await claim({ owner: 'me', subject: 'a' }, ['flow'], { workerId: 'other', leaseDurationMs: 30_000 });
  await tick(HEARTBEAT_MS);
  assert.deepEqual(
    log.map(({ msg, run }) => [msg, run]),
    [['lease not extended', id]],
  );
  resolve();
  await settle();
  assert.deepEqual([row(id).status, row(id).workerId], ['running', 'other']);
  assert.equal(loop.running, 0, 'the executor is free again');
});

test('retries and sleeps are timed by the clock of the database', async (t) => {
  const { begin, row, store, loop } = await openFlow(t, async (step, taskId) => {
    if (taskId === 'sleeps') await step.sleep('nap', '10s');
    const retryPolicy = { initialInterval: '20s', maximumAttempts: 3 };
    await step.run({ name: 'fails', retryPolicy }, () => {
      throw new Error('once more');
    });
  });
  store.now = async () => new Date(Date.now() + HOUR_MS);
  for (const [task, delayMs] of [
    ['sleeps', 10_000],
    ['fails', 20_000],
  ] as const) {
    const begunAt = Date.now();
    const id = await begin(task);
    const { availableAt } = row(id);
    assert.equal(availableAt, begunAt + HOUR_MS + delayMs, task);
    assert.equal(loop.running, 0);
  }
});

test('the first attempt of a run does not ask for steps, and later ones go on from those that have ended', async (t) => {
  const executed: string[] = [];
  const { begin, row, store, loop, tick } = await openFlow(t, async (step) => {
    for (const name of ['one', 'two']) {
      await step.run({ name, retryPolicy: { initialInterval: '1ms', maximumAttempts: 2 } }, () => {
        executed.push(name);
        if (executed.length === 2) throw new Error('once');
      });
    }
  });
  const { backend } = store;
  let lists = 0;
  const { listStepAttempts } = backend;
  backend.listStepAttempts = (params) => {
    lists++;
    return listStepAttempts.call(backend, params);
  };
  const id = await begin();
  assert.deepEqual([executed, lists], [['one', 'two'], 0]);
  await tick(1);
  loop.notify();
  await settle();
  assert.equal(row(id).status, 'completed');
  assert.deepEqual(executed, ['one', 'two', 'two']);
  assert.equal(lists, 1);
});

test('others are told when a child was created and when a run has ended, with its executor free', async (t) => {
  const child = defineWorkflow({ name: 'child' }, async () => 'done') as AnyWorkflow;
  let output: unknown;
  const { begin, row, changes } = await openFlow(
    t,
    async (step) => {
      output = await step.runWorkflow({ name: 'child' }, { owner: 'me', taskId: 'a' });
    },
    [child],
  );
  const id = await begin();
  await settle();
  assert.equal(row(id).status, 'completed');
  assert.equal(output, 'done');
  // The child is created; the parent sleeps, the child ends, and then the parent.
  assert.deepEqual(changes, ['created', 'ended', 'ended', 'ended']);
});

test('a run whose step the database lost is logged and executed again at once', async (t) => {
  const executed: string[] = [];
  const opened = await openFlow(t, async (step) => {
    await step.run({ name: 'lost' }, () => {
      executed.push('lost');
      if (executed.length > 1) return;
      using database = new DatabaseSync(opened.path);
      database.exec('delete from step_attempts');
    });
  });
  const { begin, row, log, changes, calls } = opened;
  const id = await begin();
  await settle();
  assert.deepEqual(executed, ['lost', 'lost']);
  assert.deepEqual(
    log.map(({ msg, run }) => [msg, run]),
    [['step lost, run repeated', id]],
  );
  assert.deepEqual([row(id).status, row(id).attempts], ['completed', 2]);
  assert.equal(calls.release.length, 1);
  assert.deepEqual(changes, ['ended', 'ended']);
});

test('a run whose step has a result that cannot be stored fails, and is not repeated for ever', async (t) => {
  let executions = 0;
  const { begin, row, store } = await openFlow(t, async (step) => {
    await step.run({ name: 'step', retryPolicy: { maximumAttempts: 1 } }, () => executions++);
  });
  store.backend.completeStepAttempt = async () => {
    throw new Error('too large');
  };
  const id = await begin();
  await settle();
  assert.equal(row(id).status, 'failed');
  assert.equal(executions, 1);
});

/** A run whose end the database, which is down, does not record. */
async function openUnrecorded(t: TestContext) {
  const opened = await openFlow(t, async () => 'done');
  const { backend } = opened.store;
  const { completeWorkflowRun } = backend;
  const database = { isDown: true, calls: 0 };
  backend.completeWorkflowRun = async (params) => {
    database.calls++;
    if (database.isDown) throw Object.assign(new Error('write'), { code: 'CONNECTION_CLOSED' });
    return completeWorkflowRun.call(backend, params);
  };
  return { ...opened, database, id: await opened.begin() };
}

test('the end of a run is recorded once the database is back', async (t) => {
  const { id, row, loop, database } = await openUnrecorded(t);
  assert.deepEqual([row(id).status, loop.running], ['running', 1]);
  while (database.calls < 2) await sleep(10);
  database.isDown = false;
  while (loop.running > 0) await sleep(10);
  assert.deepEqual([row(id).status, loop.running], ['completed', 0]);
});

test('the end of an abandoned run is not recorded any more', async (t) => {
  const { id, row, loop, database } = await openUnrecorded(t);
  loop.abandon();
  database.isDown = false;
  await sleep(RETRIED_MS);
  assert.deepEqual([row(id).status, loop.running, database.calls], ['running', 1, 1]);
  assert.deepEqual(loop.workerIds, [row(id).workerId]);
});
