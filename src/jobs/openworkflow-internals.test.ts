import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { BackendPostgres } from 'openworkflow/postgres';
import { BackendSqlite } from 'openworkflow/sqlite';
import postgres from 'postgres';
import { NO_POSTGRES, startPostgres } from '../../test/support/postgres.ts';
import { temporaryFolder } from '../../test/support/server.ts';

/**
 * Internals of OpenWorkflow that this folder reads and writes. Review a release that changes them before upgrading; the
 * version is pinned in package.json.
 */
const TABLES = {
  openworkflow_migrations: ['version'],
  step_attempts: [
    ...['namespace_id', 'id', 'workflow_run_id', 'step_name', 'kind', 'status', 'config', 'context', 'output', 'error'],
    ...['child_workflow_run_namespace_id', 'child_workflow_run_id'],
    ...['started_at', 'finished_at', 'created_at', 'updated_at'],
  ],
  workflow_runs: [
    ...['namespace_id', 'id', 'workflow_name', 'version', 'status', 'idempotency_key', 'config', 'context', 'input'],
    ...['output', 'error', 'attempts', 'parent_step_attempt_namespace_id', 'parent_step_attempt_id', 'worker_id'],
    ...['available_at', 'deadline_at', 'started_at', 'finished_at', 'created_at', 'updated_at'],
  ],
  workflow_signals: [
    ...['namespace_id', 'id', 'signal', 'data', 'sender_idempotency_key', 'workflow_run_id', 'step_attempt_id'],
    'created_at',
  ],
};

const INDEXES = [
  'step_attempts_child_workflow_run_idx',
  'step_attempts_signal_wait_idx',
  'step_attempts_workflow_run_created_at_idx',
  'step_attempts_workflow_run_step_name_created_at_idx',
  'workflow_runs_created_at_desc_idx',
  'workflow_runs_parent_step_idx',
  'workflow_runs_status_available_at_created_at_idx',
  'workflow_runs_status_created_at_desc_idx',
  'workflow_runs_workflow_name_idempotency_key_created_at_idx',
  'workflow_runs_workflow_name_status_created_at_desc_idx',
  'workflow_signals_idempotency_idx',
  'workflow_signals_step_attempt_idx',
];

/** Methods of OpenWorkflow's `Backend`: the claim loop overrides some and delegates the others. */
const METHODS = [
  'cancelWorkflowRun',
  'claimWorkflowRun',
  'completeStepAttempt',
  'completeWorkflowRun',
  'countWorkflowRuns',
  'createStepAttempt',
  'createWorkflowRun',
  'extendWorkflowRunLease',
  'failStepAttempt',
  'failWorkflowRun',
  'getSignalDelivery',
  'getStepAttempt',
  'getWorkflowRun',
  'listStepAttempts',
  'listWorkflowRuns',
  'rescheduleWorkflowRunAfterFailedStepAttempt',
  'sendSignal',
  'setStepAttemptChildWorkflowRun',
  'sleepWorkflowRun',
  'stop',
];

/** Helpers of a single backend, which reelvec does not call. */
const PRIVATE_METHODS = new Set([
  ...['constructor', 'insertWorkflowRun', 'getWorkflowRunByIdempotencyKey', 'wakeParentWorkflowRun'],
  ...['runningWorkflowRunOwnedParams', 'runningStepAttemptOwnedParams', 'listPaginated', 'withTransaction'],
  ...['buildListWorkflowRunsWhere', 'buildListStepAttemptsWhere', 'reconcileWorkflowSleepWakeUp'],
  ...['runningWorkflowRunOwnedByWorkerWhere', 'runningWorkflowRunOwnedByWorkerForUpdate', 'stepAttemptByIdWhere'],
  ...['joinConditionsWithAnd', 'workflowRunsTable', 'stepAttemptsTable', 'workflowSignalsTable'],
]);

describe('the internals of OpenWorkflow are those that this folder was written for', () => {
  for (const Backend of [BackendSqlite, BackendPostgres]) {
    test(`methods of ${Backend.name}`, () => {
      const methods = Object.getOwnPropertyNames(Backend.prototype).filter((name) => !PRIVATE_METHODS.has(name));
      assert.deepEqual(methods.sort(), METHODS);
    });
  }

  test('tables, columns and indexes on SQLite', async () => {
    using folder = temporaryFolder();
    const path = `${folder.path}/jobs.db`;
    const backend = BackendSqlite.connect(path);
    using db = new DatabaseSync(path, { readOnly: true });
    const columns = db
      .prepare(
        `SELECT t.name AS name, json_group_array(c.name) AS columns
         FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' GROUP BY t.name`,
      )
      .all();
    assert.deepEqual(
      Object.fromEntries(columns.map(({ name, columns }) => [name, JSON.parse(String(columns))])),
      TABLES,
    );
    const indexes = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name`);
    assert.deepEqual(
      indexes.all().map(({ name }) => name),
      INDEXES,
    );
    await backend.stop();
  });

  test('tables, columns and indexes on PostgreSQL', { skip: NO_POSTGRES }, async () => {
    await using server = await startPostgres();
    const url = await server.database();
    const backend = await BackendPostgres.connect(url);
    const sql = postgres(url, { max: 1 });
    const columns = await sql`
      SELECT table_name AS name, array_agg(column_name::text ORDER BY ordinal_position) AS columns
      FROM information_schema.columns WHERE table_schema = 'openworkflow' GROUP BY 1`;
    const tables = Object.fromEntries(columns.map(({ name, columns }) => [name, columns]));
    assert.deepEqual(Object.keys(tables).sort(), Object.keys(TABLES));
    for (const [name, expected] of Object.entries(TABLES)) assert.deepEqual(tables[name].sort(), [...expected].sort());
    const indexes = await sql`
      SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'openworkflow' AND indexname LIKE '%_idx' ORDER BY 1`;
    assert.deepEqual(
      indexes.map(({ name }) => name),
      INDEXES,
    );
    await sql.end();
    await backend.stop();
  });
});
