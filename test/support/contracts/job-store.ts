import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelOrphanedRuns } from '../../../src/jobs/cancel-orphaned-runs.ts';
import type { AnyWorkflow } from '../../../src/jobs/engine.ts';
import type { JobStore, NewRun } from '../../../src/jobs/job-store.ts';

const LEASE = { workerId: 'worker', leaseDurationMs: 30_000 };
const CHUNK = 'embed-chunk';
/** Parameters with which OpenWorkflow creates a run. */
const CHILD = {
  ...{ version: null, idempotencyKey: null, config: {}, context: null, availableAt: null, deadlineAt: null },
  ...{ parentStepAttemptNamespaceId: null, parentStepAttemptId: null },
};

/** Contract suite of every job store. @param open opens an empty store */
export function jobStoreContract(
  name: string,
  open: () => Promise<JobStore & AsyncDisposable>,
  { skip }: { skip?: string } = {},
): void {
  const contract = (what: string, check: (jobs: JobStore) => Promise<void>) =>
    test(`${name}: ${what}`, { skip }, async () => {
      await using jobs = await open();
      await check(jobs);
    });

  contract('concurrent creations of a run with one key find the same run', async (jobs) => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => jobs.create(chunk('a', 'task', 0))));
    assert.equal(new Set(ids).size, 1);
    assert.deepEqual(await jobs.count(), [{ workflow: CHUNK, waiting: 1, running: 0 }]);
  });

  contract('a run that OpenWorkflow created with a key is found by it', async (jobs) => {
    const { workflow, key, input } = chunk('a', 'task', 0);
    const made = await jobs.backend.createWorkflowRun({
      ...{ ...CHILD, workflowName: workflow, idempotencyKey: key, input: input as never },
    });
    assert.deepEqual([made.workflowName, made.status, made.input], [workflow, 'pending', input]);
    assert.equal(await jobs.create(chunk('a', 'task', 0)), made.id);
  });

  contract('waiting flows are listed by owner and task, once each, at most 200 per owner', async (jobs) => {
    for (let i = 0; i < 210; i++) await jobs.create(chunk('busy', `task-${String(i).padStart(3, '0')}`, 0));
    for (const number of [0, 1, 2]) await jobs.create(chunk('quiet', 'film', number));
    await jobs.create({ workflow: 'other', key: 'x', input: { owner: 'quiet', taskId: 'other' } });
    const flows = await jobs.waiting([CHUNK]);
    assert.equal(flows.filter(({ owner }) => owner === 'busy').length, 200);
    const quiet = flows.filter(({ owner }) => owner === 'quiet');
    assert.deepEqual(
      quiet.map(({ subject, input }) => [subject, input.options]),
      [['film', ['visual']]],
    );
    assert.ok(quiet[0]!.ageSec >= 0 && quiet[0]!.ageSec < 60);
    assert.deepEqual(
      (await jobs.waiting(['other', 'another'])).map(({ subject }) => subject),
      ['other'],
    );
  });

  contract(
    'the flow that has waited longest comes first; a run without task or owner is a flow of its own',
    async (jobs) => {
      await jobs.create({ workflow: CHUNK, key: '1', input: { owner: 'b', taskId: 'first' } });
      await sleep(5);
      await jobs.create({ workflow: CHUNK, key: '2', input: { owner: 'a', assetId: 'second' } });
      await sleep(5);
      const third = await jobs.create({ workflow: CHUNK, key: '3', input: {} });
      assert.deepEqual(
        (await jobs.waiting([CHUNK])).map(({ owner, subject, input }) => ({ owner, subject, input })),
        [
          { owner: 'b', subject: 'first', input: { owner: 'b', taskId: 'first' } },
          { owner: 'a', subject: 'second', input: { owner: 'a', assetId: 'second' } },
          { owner: '', subject: third, input: {} },
        ],
      );
      assert.equal((await jobs.claim({ owner: '', subject: third }, [CHUNK], LEASE))?.id, third);
    },
  );

  contract('a run whose lease has expired waits again, and its next claim is another attempt', async (jobs) => {
    const id = await jobs.create(chunk('a', 'film', 0));
    const flow = { owner: 'a', subject: 'film' };
    await jobs.claim(flow, [CHUNK], { workerId: 'dead', leaseDurationMs: 20 });
    await sleep(40);
    assert.deepEqual(await jobs.count(), [{ workflow: CHUNK, waiting: 1, running: 0 }]);
    assert.deepEqual(
      (await jobs.waiting([CHUNK])).map(({ subject }) => subject),
      ['film'],
    );
    const run = await jobs.claim(flow, [CHUNK], { workerId: 'next', leaseDurationMs: 10_000 });
    assert.deepEqual([run?.id, run?.attempts, run?.workerId], [id, 2, 'next']);
    const leaseMs = run!.availableAt!.getTime() - (await jobs.now()).getTime();
    assert.ok(leaseMs > 0 && leaseMs <= 10_000, `${leaseMs} ms`);
  });

  contract('of the runs of a flow, the one that has waited longest is claimed', async (jobs) => {
    for (const number of [2, 0, 1]) {
      await jobs.create(chunk('a', 'film', number));
      await sleep(5);
    }
    const claimed: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const run = await jobs.claim({ owner: 'a', subject: 'film' }, [CHUNK], LEASE);
      claimed.push((run!.input as { number: number }).number);
    }
    assert.deepEqual(claimed, [2, 0, 1]);
    assert.equal(await jobs.claim({ owner: 'a', subject: 'film' }, ['other'], LEASE), null);
  });

  contract('leases are released of the given workers only, or of all', async (jobs) => {
    for (const task of ['a', 'b', 'c']) {
      await jobs.create(chunk('owner', task, 0));
      await jobs.claim({ owner: 'owner', subject: task }, [CHUNK], { ...LEASE, workerId: `worker-${task}` });
    }
    await jobs.release([]);
    assert.deepEqual(await jobs.count(), [{ workflow: CHUNK, waiting: 0, running: 3 }]);
    await jobs.release(['worker-b', 'unknown']);
    assert.deepEqual(
      (await jobs.waiting([CHUNK])).map(({ subject }) => subject),
      ['b'],
    );
    await jobs.release();
    assert.deepEqual(await jobs.count(), [{ workflow: CHUNK, waiting: 3, running: 0 }]);
  });

  contract('the statuses of runs are known while they are kept', async (jobs) => {
    const ids: Record<string, string> = {};
    for (const task of ['waits', 'runs', 'completed', 'failed', 'canceled']) {
      ids[task] = await jobs.create(chunk('a', task, 0));
      if (task === 'waits' || task === 'canceled') continue;
      await jobs.claim({ owner: 'a', subject: task }, [CHUNK], { ...LEASE, workerId: task });
    }
    const { backend } = jobs;
    await backend.completeWorkflowRun({ workflowRunId: ids['completed']!, workerId: 'completed', output: null });
    await backend.failWorkflowRun({
      ...{ workflowRunId: ids['failed']!, workerId: 'failed', error: { message: 'broken' }, attempts: 1 },
      retryPolicy: { initialInterval: '1s', backoffCoefficient: 1, maximumInterval: '1s', maximumAttempts: 1 },
      deadlineAt: null,
    });
    assert.equal(await jobs.cancel([CHUNK], ['canceled']), 1);
    const statuses = await jobs.statuses([...Object.values(ids), 'unknown']);
    assert.deepEqual(
      Object.entries(ids).map(([task, id]) => `${task}: ${statuses.get(id)}`),
      ['waits: unfinished', 'runs: unfinished', 'completed: completed', 'failed: failed', 'canceled: failed'],
    );
    assert.equal(statuses.size, 5);
    assert.deepEqual(await jobs.statuses([]), new Map());
    await jobs.deleteEnded(new Date((await jobs.now()).getTime() - 60_000));
    assert.equal((await jobs.statuses(Object.values(ids))).size, 5);
    await jobs.deleteEnded(new Date((await jobs.now()).getTime() + 60_000));
    assert.deepEqual(new Set((await jobs.statuses(Object.values(ids))).keys()), new Set([ids['waits'], ids['runs']]));
    assert.notEqual(await jobs.create(chunk('a', 'completed', 0)), undefined);
  });

  contract(
    'a parent whose child ended in a crash, so that nothing woke it, is woken; others sleep on',
    async (jobs) => {
      const orphaned = await sleepingParent(jobs, 'orphaned');
      await sleepingParent(jobs, 'patient');
      assert.equal(await jobs.cancel(['child'], ['orphaned']), 1);
      assert.deepEqual(await jobs.waiting(['parent']), []);
      await jobs.wakeParents();
      assert.deepEqual(
        (await jobs.waiting(['parent'])).map(({ subject }) => subject),
        ['orphaned'],
      );
      const run = await jobs.claim({ owner: 'a', subject: 'orphaned' }, ['parent'], LEASE);
      assert.equal(run?.id, orphaned);
    },
  );

  contract(
    'a sleeping run is woken if a crash lost the rows that it waits for, and sleeps on otherwise',
    async (jobs) => {
      const { backend } = jobs;
      await sleepingParent(jobs, 'attempt lost', async () => {});
      await sleepingParent(jobs, 'only a function left', (of) => attempt(backend, of, 'function'));
      await sleepingParent(jobs, 'link lost', (of) => attempt(backend, of, 'workflow'));
      await sleepingParent(jobs, 'one link of two lost', async (of) => {
        await startChild(jobs, 'one link of two lost', of);
        await attempt(backend, of, 'workflow');
      });
      await sleepingParent(jobs, 'waits for a child');
      await sleepingParent(jobs, 'waits for a time', (of) => attempt(backend, of, 'sleep'));
      await jobs.wakeParents();
      const awake = await jobs.waiting(['parent']);
      assert.deepEqual(awake.map(({ subject }) => subject).toSorted(), [
        'attempt lost',
        'link lost',
        'one link of two lost',
        'only a function left',
      ]);
    },
  );

  contract('runs that no worker holds are listed by subject in pages; sleeping ones are among them', async (jobs) => {
    await sleepingParent(jobs, 'sleeps');
    for (const task of ['c', 'a', 'b', 'held', 'z']) await jobs.create({ ...chunk('o', task, 0), workflow: 'parent' });
    await jobs.create({ ...chunk('o', 'b', 1), workflow: 'parent' });
    await jobs.claim({ owner: 'o', subject: 'held' }, ['parent'], LEASE);
    assert.deepEqual(await jobs.waitingSubjects(['parent'], { after: '', limit: 3 }), ['a', 'b', 'c']);
    assert.deepEqual(await jobs.waitingSubjects(['parent'], { after: 'c', limit: 3 }), ['sleeps', 'z']);
    assert.deepEqual(await jobs.waitingSubjects(['unknown'], { after: '', limit: 3 }), []);
    assert.equal(await jobs.cancel(['parent'], ['b', 'held', 'sleeps']), 3);
    assert.deepEqual(await jobs.waitingSubjects(['parent'], { after: '', limit: 9 }), ['a', 'c', 'z']);
  });

  contract('runs that OpenWorkflow makes without a key are runs of their own', async (jobs) => {
    const make = () => jobs.backend.createWorkflowRun({ ...CHILD, workflowName: CHUNK, input: { taskId: 'film' } });
    const [first, second] = [await make(), await make()];
    assert.notEqual(first.id, second.id);
    assert.deepEqual(await jobs.count(), [{ workflow: CHUNK, waiting: 2, running: 0 }]);
  });

  contract('a run is counted with those of its workflow', async (jobs) => {
    await jobs.create(chunk('a', 'film', 0));
    await sleepingParent(jobs, 'sleeps');
    const lengths = (await jobs.count()).toSorted((a, b) => (a.workflow < b.workflow ? -1 : 1));
    assert.deepEqual(lengths, [
      { workflow: 'child', waiting: 1, running: 0 },
      { workflow: CHUNK, waiting: 1, running: 0 },
      { workflow: 'parent', waiting: 0, running: 0 },
    ]);
  });

  contract('a run is claimed once, by the first of concurrent claims', async (jobs) => {
    for (const number of [0, 1]) await jobs.create(chunk('a', 'film', number));
    const flow = { owner: 'a', subject: 'film' };
    const claims = await Promise.all(Array.from({ length: 6 }, () => jobs.claim(flow, [CHUNK], LEASE)));
    const taken = claims.filter((run) => run !== null);
    assert.equal(new Set(taken.map(({ id }) => id)).size, 2);
    assert.deepEqual(
      taken.map(({ workflowName, status, workerId, attempts, input }) => [
        workflowName,
        status,
        workerId,
        attempts,
        (input as { taskId: string }).taskId,
      ]),
      Array(2).fill([CHUNK, 'running', 'worker', 1, 'film']),
    );
    assert.equal(claims.length - taken.length, 4);
    assert.deepEqual(await jobs.waiting([CHUNK]), []);
    assert.deepEqual(await jobs.count(), [{ workflow: CHUNK, waiting: 0, running: 2 }]);
  });

  contract('waiting runs of an ended task are canceled; running ones, and those of other tasks, stay', async (jobs) => {
    for (const number of [0, 1, 2]) {
      await jobs.create(chunk('a', 'deleted', number));
      await jobs.create(chunk('a', 'wanted', number));
    }
    await jobs.claim({ owner: 'a', subject: 'deleted' }, [CHUNK], LEASE);
    const engine = {
      waitingSubjects: (workflows: readonly AnyWorkflow[], page: { after: string; limit: number }) =>
        jobs.waitingSubjects(names(workflows), page),
      cancel: (workflows: readonly AnyWorkflow[], subjects: readonly string[]) =>
        jobs.cancel(names(workflows), subjects),
    };
    const workflows = [{ spec: { name: CHUNK } } as AnyWorkflow];
    const unfinished = async (ids: readonly string[]) => ids.filter((id) => id === 'wanted');
    const tidied: string[] = [];
    const tidy = async (subject: string) => {
      const waiting = (await jobs.waiting([CHUNK])).map((flow) => flow.subject);
      assert.ok(waiting.includes(subject), 'a crash while it tidies finds the runs again');
      tidied.push(subject);
    };
    assert.equal(await cancelOrphanedRuns({ engine, workflows, unfinished, tidy }), 2);
    assert.deepEqual(tidied, ['deleted']);
    assert.deepEqual(await jobs.count(), [{ workflow: CHUNK, waiting: 3, running: 1 }]);
    assert.deepEqual(
      (await jobs.waiting([CHUNK])).map(({ subject }) => subject),
      ['wanted'],
    );
  });
}

/**
 * A parent run that sleeps for an hour. @returns its id
 * @param wait creates the rows that it waits for; default: a child, which waits to be claimed
 */
async function sleepingParent(
  jobs: JobStore,
  taskId: string,
  wait: (of: HeldBy) => Promise<unknown> = (of) => startChild(jobs, taskId, of),
): Promise<string> {
  const { backend } = jobs;
  const workflowRunId = await jobs.create({ workflow: 'parent', key: taskId, input: { owner: 'a', taskId } });
  const { workerId } = (await jobs.claim({ owner: 'a', subject: taskId }, ['parent'], { ...LEASE, workerId: taskId }))!;
  const of = { workflowRunId, workerId: workerId! };
  await wait(of);
  await backend.sleepWorkflowRun({ ...of, availableAt: new Date((await jobs.now()).getTime() + 3_600_000) });
  return workflowRunId;
}

/** A run and the worker that holds it. */
interface HeldBy {
  readonly workflowRunId: string;
  readonly workerId: string;
}

/** Starts a child as OpenWorkflow does: a step attempt, a run, and the link to it. */
async function startChild({ backend }: JobStore, taskId: string, of: HeldBy): Promise<void> {
  const step = await attempt(backend, of, 'workflow');
  const child = await backend.createWorkflowRun({
    ...{ ...CHILD, workflowName: 'child', idempotencyKey: taskId, input: { owner: 'a', taskId } },
    ...{ parentStepAttemptNamespaceId: step.namespaceId, parentStepAttemptId: step.id },
  });
  await backend.setStepAttemptChildWorkflowRun({
    ...{ ...of, stepAttemptId: step.id },
    ...{ childWorkflowRunNamespaceId: child.namespaceId, childWorkflowRunId: child.id },
  });
}

function attempt(backend: JobStore['backend'], of: HeldBy, kind: 'workflow' | 'sleep' | 'function') {
  const context = kind === 'workflow' ? ({ kind, timeoutAt: null } as const) : null;
  return backend.createStepAttempt({ ...of, stepName: kind, kind, config: {}, context });
}

function chunk(owner: string, taskId: string, number: number): NewRun {
  return { workflow: CHUNK, key: `${taskId}-${number}`, input: { owner, taskId, number, options: ['visual'] } };
}

function names(workflows: readonly AnyWorkflow[]): string[] {
  return workflows.map(({ spec }) => spec.name);
}
