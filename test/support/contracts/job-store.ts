import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cancelOrphanedRuns } from '../../../src/jobs/cancel-orphaned-runs.ts';
import type { AnyWorkflow } from '../../../src/jobs/engine.ts';
import type { JobStore, NewRun } from '../../../src/jobs/job-store.ts';

const LEASE = { workerId: 'worker', leaseDurationMs: 30_000 };
const CHUNK = 'embed-chunk';

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
      workflowName: workflow,
      version: null,
      idempotencyKey: key,
      config: {},
      context: null,
      input: input as never,
      parentStepAttemptNamespaceId: null,
      parentStepAttemptId: null,
      availableAt: null,
      deadlineAt: null,
    });
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

function chunk(owner: string, taskId: string, number: number): NewRun {
  return { workflow: CHUNK, key: `${taskId}-${number}`, input: { owner, taskId, number, options: ['visual'] } };
}

function names(workflows: readonly AnyWorkflow[]): string[] {
  return workflows.map(({ spec }) => spec.name);
}
