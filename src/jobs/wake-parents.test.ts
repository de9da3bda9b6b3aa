import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NO_POSTGRES, startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import type { JobStore } from './job-store.ts';
import { PostgresJobStore } from './job-store-postgres.ts';
import { SqliteJobStore } from './job-store-sqlite.ts';

const LEASE = { workerId: 'worker', leaseDurationMs: 30_000 };
const NEXT_YEAR = new Date(Date.now() + 365 * 24 * 3600 * 1000);
const NEW_RUN = {
  ...{ version: null, idempotencyKey: null, config: {}, context: null, availableAt: null, deadlineAt: null },
  ...{ parentStepAttemptNamespaceId: null, parentStepAttemptId: null },
};

/** Run that sleeps until next year after `wait` has recorded its step attempts. */
async function sleepingRun(
  jobs: JobStore,
  taskId: string,
  wait: (run: { workflowRunId: string; workerId: string }) => Promise<unknown>,
): Promise<void> {
  const workflowRunId = await jobs.create({ workflow: 'parent', key: taskId, input: { owner: 'a', taskId } });
  await jobs.claim({ owner: 'a', subject: taskId }, ['parent'], LEASE);
  const run = { workflowRunId, workerId: LEASE.workerId };
  await wait(run);
  await jobs.backend.sleepWorkflowRun({ ...run, availableAt: NEXT_YEAR });
}

function contract(
  name: string,
  open: () => Promise<JobStore & AsyncDisposable>,
  options: { skip?: string | false } = {},
) {
  describe(`sleeping runs in ${name}`, options, () => {
    test('are woken if a crash lost the rows that they wait for, and sleep on otherwise', async () => {
      await using jobs = await open();
      const { backend } = jobs;
      const attempt = (run: { workflowRunId: string; workerId: string }, kind: 'workflow' | 'sleep' | 'function') =>
        backend.createStepAttempt({ ...run, stepName: kind, kind, config: {}, context: null });
      const child = async (run: { workflowRunId: string; workerId: string }) => {
        const { id, namespaceId } = await attempt(run, 'workflow');
        const { id: childId } = await backend.createWorkflowRun({
          ...{ ...NEW_RUN, workflowName: 'child', input: {} },
          ...{ parentStepAttemptNamespaceId: namespaceId, parentStepAttemptId: id },
        });
        await backend.setStepAttemptChildWorkflowRun({
          ...{ ...run, stepAttemptId: id, childWorkflowRunNamespaceId: namespaceId, childWorkflowRunId: childId },
        });
      };
      await sleepingRun(jobs, 'attempt lost', async () => {});
      await sleepingRun(jobs, 'only a step left', (run) => attempt(run, 'function'));
      await sleepingRun(jobs, 'link lost', (run) => attempt(run, 'workflow'));
      await sleepingRun(jobs, 'one link of two lost', async (run) => {
        await child(run);
        await attempt(run, 'workflow');
      });
      await sleepingRun(jobs, 'waits for a child', child);
      await sleepingRun(jobs, 'waits for a time', (run) => attempt(run, 'sleep'));
      await jobs.wakeParents();
      const awake = await jobs.waiting(['parent']);
      assert.deepEqual(awake.map(({ subject }) => subject).toSorted(), [
        'attempt lost',
        'link lost',
        'one link of two lost',
        'only a step left',
      ]);
    });
  });
}

let server: TestPostgres | undefined;
before(async () => {
  if (!NO_POSTGRES) server = await startPostgres();
});
after(() => server?.[Symbol.asyncDispose]());

contract('SQLite', async () => {
  const folder = temporaryFolder();
  const jobs = new SqliteJobStore(`${folder.path}/jobs.db`);
  return Object.assign(jobs, {
    async [Symbol.asyncDispose]() {
      await jobs.close();
      folder[Symbol.dispose]();
    },
  });
});

contract(
  'PostgreSQL',
  async () => {
    const jobs = await PostgresJobStore.open(await server!.database());
    return Object.assign(jobs, { [Symbol.asyncDispose]: () => jobs.close() });
  },
  { skip: NO_POSTGRES },
);
