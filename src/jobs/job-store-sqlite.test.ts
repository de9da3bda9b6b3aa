import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { jobStoreContract } from '../../test/support/contracts/job-store.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import { SqliteJobStore } from './job-store-sqlite.ts';

function open() {
  const folder = temporaryFolder();
  const path = `${folder.path}/new/jobs.db`;
  const jobs = new SqliteJobStore(path);
  const dispose = async () => {
    await jobs.close();
    folder[Symbol.dispose]();
  };
  return Object.assign(jobs, { path, [Symbol.asyncDispose]: dispose });
}

jobStoreContract('SQLite', async () => open());

test('waiting runs are looked up by index, however many runs there are', async () => {
  await using jobs = open();
  using db = new DatabaseSync(jobs.path);
  const plan = db
    .prepare(
      `EXPLAIN QUERY PLAN SELECT id FROM workflow_runs
       WHERE namespace_id = 'default' AND status IN ('pending', 'running', 'sleeping') AND available_at <= '2026'
         AND workflow_name = 'work' AND coalesce(json_extract(input, '$.owner'), '') = 'me'`,
    )
    .all();
  assert.match(JSON.stringify(plan), /USING INDEX reelvec_flows/);
});

test('runs outlive the process, and a closed store keeps no connection', async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/jobs.db`;
  const first = new SqliteJobStore(path);
  const id = await first.create({ workflow: 'work', key: 'a', input: { taskId: 'a' } });
  await first.close();
  await assert.rejects(async () => first.count(), /not open/);
  await assert.rejects(async () => first.backend.getWorkflowRun({ workflowRunId: id }), /not open/);
  const second = new SqliteJobStore(path);
  assert.equal(await second.create({ workflow: 'work', key: 'a', input: { taskId: 'a' } }), id);
  await second.close();
});
