import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow, type Workflow } from 'openworkflow';
import { BackendPostgres } from 'openworkflow/postgres';
import { pino } from 'pino';
import postgres from 'postgres';
import { Losses } from '../../test/support/losses.ts';
import { NO_POSTGRES, startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import { isTransientQueryError } from '../database/unavailable.ts';
import { type AnyWorkflow, JobEngine } from './engine.ts';
import { PostgresJobStore } from './job-store-postgres.ts';

/** Calls of one method that are tested: later ones repeat the same statements at the same places. */
const MAX_CALLS_PER_METHOD = 8;
/** Faults after which the test gives up, because each may take {@link CASE_TIMEOUT_MS}. */
const MAX_FAULTS = 3;
const CASE_TIMEOUT_MS = 20_000;
/** Interval of lease extensions: OpenWorkflow's own, and one short enough to fall into a run here. */
const HEARTBEAT_MS = { real: 15_000, here: 15 };

/** Steps executed so far, in order, by test case. */
const done = new Map<string, string[]>();

function work(key: string, step: string): number {
  const steps = done.get(key) ?? [];
  done.set(key, [...steps, step]);
  return steps.filter((other) => other === step).length + 1;
}

type Input = { taskId: string; part: string };
type Run<I> = Parameters<Workflow<I, unknown, I>['fn']>[0];
const SOON = { initialInterval: '10ms', maximumAttempts: 3 } as const;

/** Child workflow whose flaky part fails once and is retried. */
const partWorkflow = defineWorkflow({ name: 'part' }, ({ input: { taskId, part }, step }: Run<Input>) =>
  step.run({ name: 'do', retryPolicy: SOON }, async () => {
    await sleep(2 * HEARTBEAT_MS.here);
    if (work(taskId, part) === 1 && part === 'flaky') throw new Error('once');
    return part;
  }),
);

/** Child workflow that always fails. */
const doomedWorkflow = defineWorkflow({ name: 'doomed' }, ({ input: { taskId, part }, step }: Run<Input>) =>
  step.run({ name: 'do', retryPolicy: { maximumAttempts: 1 } }, () => {
    work(taskId, part);
    throw new Error('for good');
  }),
);

/** Uses everything that the workflows of tasks use: steps, parallel children, retries and final failures. */
const taskWorkflow = defineWorkflow({ name: 'task' }, async ({ input: { taskId }, step }: Run<{ taskId: string }>) => {
  const first = await step.run({ name: 'first' }, () => work(taskId, 'first'));
  const parts = await Promise.allSettled([
    ...['steady', 'flaky'].map((part) => step.runWorkflow(partWorkflow.spec, { taskId, part }, { name: part })),
    step.runWorkflow(doomedWorkflow.spec, { taskId, part: 'doomed' }, { name: 'doomed' }),
  ]);
  const waits = parts.find((part) => part.status === 'rejected' && part.reason.name === 'SleepSignalError');
  if (waits?.status === 'rejected') throw waits.reason;
  const said = parts.map((part) => (part.status === 'fulfilled' ? part.value : part.reason.message));
  return step.run({ name: 'last' }, () => `${first} ${said.join(', ')} ${work(taskId, 'last')}`);
});

describe('PostgreSQL is lost at any call', { skip: NO_POSTGRES }, () => {
  const stack = new AsyncDisposableStack();
  let server: TestPostgres;
  let engine: JobEngine;
  let sql: postgres.Sql;
  let losses: Losses;
  let cases = 0;

  before(async () => {
    const every = globalThis.setInterval;
    // Without a reference: a run that is abandoned at the end never stops its heartbeat, and must not keep the process.
    globalThis.setInterval = ((run: () => void, ms: number) =>
      ms === HEARTBEAT_MS.real ? every(run, HEARTBEAT_MS.here).unref() : every(run, ms)) as typeof setInterval;
    stack.defer(() => {
      globalThis.setInterval = every;
    });
    server = stack.use(await startPostgres({ fsync: 'off' }));
    const url = await server.database();
    losses = stack.use(new Losses([BackendPostgres, PostgresJobStore]));
    engine = await JobEngine.openShared(url, pino({ level: 'silent' }));
    stack.defer(async () => {
      await engine.releaseLeases();
      await engine.close();
    });
    sql = postgres(url, { max: 1 });
    stack.defer(() => sql.end());
    engine.work({ workflows: [taskWorkflow] as AnyWorkflow[], concurrency: 2 });
    engine.work({ workflows: [partWorkflow, doomedWorkflow] as AnyWorkflow[], concurrency: 3 });
    await undisturbed();
  });
  after(() => stack.disposeAsync());

  /** Starts a task as a server does, repeating failed starts. */
  async function start(taskId: string): Promise<string> {
    for (;;) {
      try {
        return await engine.start(taskWorkflow, { taskId }, taskId);
      } catch (error) {
        if (!isTransientQueryError(error)) throw error;
      }
    }
  }

  /** Runs one task to its end, with the maintenance that a server does meanwhile. */
  async function run(name: string): Promise<void> {
    const taskId = `${name} ${++cases}`;
    const id = await start(taskId);
    const deadline = performance.now() + CASE_TIMEOUT_MS;
    for (;;) {
      const [row] = await sql`select status, output, error from openworkflow.workflow_runs where id = ${id}`;
      if (row!['status'] === 'completed' || row!['status'] === 'failed') {
        assert.deepEqual(
          [row!['status'], row!['output'], row!['error']?.message],
          ['completed', '1 steady, flaky, for good 1', undefined],
        );
        break;
      }
      assert.ok(performance.now() < deadline, `still ${row!['status']}`);
      await engine.maintain().catch((error) => assert.ok(isTransientQueryError(error), error));
      await sleep(10);
    }
    // No step was repeated because recording its end failed at first.
    assert.deepEqual(done.get(taskId)?.toSorted(), ['doomed', 'first', 'flaky', 'flaky', 'last', 'steady']);
  }

  /** @returns number of calls of each method for one task */
  async function undisturbed(): Promise<Map<string, number>> {
    losses.arm(undefined);
    await run('undisturbed');
    return new Map(losses.calls);
  }

  test('and the task ends as if nothing had happened, with each step done once', async (t) => {
    const methods = await undisturbed();
    for (const method of [
      'setStepAttemptChildWorkflowRun',
      'completeWorkflowRun',
      'failWorkflowRun',
      'failStepAttempt',
    ])
      assert.ok(methods.has(`BackendPostgres.${method}`), `${method} is called`);
    const faults: string[] = [];
    let struck = 0;
    const cases = [...methods].flatMap(([method, calls]) =>
      (['before', 'after'] as const).flatMap((when) =>
        Array.from({ length: Math.min(calls, MAX_CALLS_PER_METHOD) }, (_, i) => ({ method, when, nth: i + 1 })),
      ),
    );
    for (const { method, when, nth } of cases) {
      if (faults.length === MAX_FAULTS) break;
      losses.arm({ method, when, nth });
      const name = `${method} ${when} #${nth}`;
      const begun = performance.now();
      await run(name).catch((error) => faults.push(`${name}: ${error.message}`));
      if (process.env['REELVEC_TEST_ROUNDS']) t.diagnostic(`${name}: ${Math.round(performance.now() - begun)} ms`);
      if (losses.hasStruck) struck++;
      // The number of polls depends on timing; that there is one does not.
      else if (nth === 1) faults.push(`${name}: was not called`);
    }
    t.diagnostic(`${struck} losses at ${methods.size} methods`);
    assert.deepEqual(faults, []);
  });
});
