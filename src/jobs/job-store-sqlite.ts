import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { WorkflowRun } from 'openworkflow/internal';
import { BackendSqlite } from 'openworkflow/sqlite';
import { makeFolderSync } from '../make-folder.ts';
import type { Flow } from './fair-scheduler.ts';
import {
  type JobStore,
  MAX_FLOWS_PER_OWNER,
  type NewRun,
  type QueueLength,
  type RunInput,
  type RunStatus,
  runId,
  toStatus,
  type WaitingFlow,
} from './job-store.ts';

/** Wait for SQLite's write lock before a statement fails. */
const BUSY_TIMEOUT_MS = 5000;
/** Empty SQL string. */
const NO_NAME = `''`;
/** SQL expression of a run's owner; empty for runs without one. */
const OWNER = `coalesce(json_extract(input, '$.owner'), ${NO_NAME})`;
/** SQL expression of a run's subject: its task, its asset, or else the run itself. */
const SUBJECT = `coalesce(json_extract(input, '$.taskId'), json_extract(input, '$.assetId'), id)`;
/** SQL condition of claimable runs: new, woken, or with an expired lease. */
const WAITS = `namespace_id = 'default' AND status IN ('pending', 'running', 'sleeping') AND available_at <= :now
  AND workflow_name IN (SELECT value FROM json_each(:names))`;

/** SQL condition of runs that no worker holds: they wait for a worker, a child or a time. */
const IDLE = `namespace_id = 'default' AND status IN ('pending', 'running', 'sleeping')
  AND (worker_id IS NULL OR available_at <= :now) AND workflow_name IN (SELECT value FROM json_each(:names))`;

/** Job store in a SQLite file apart from reelvec's tables, so that neither waits for the other's lock. For one process. */
export class SqliteJobStore implements JobStore {
  readonly backend: BackendSqlite;
  readonly #db: DatabaseSync;

  /** @param path created if missing */
  constructor(path: string) {
    makeFolderSync(dirname(path));
    this.backend = BackendSqlite.connect(path);
    this.#db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    // Index for `waiting` and `claim`: OpenWorkflow's own indexes do not cover owners and tasks.
    this.#db.exec(
      `CREATE INDEX IF NOT EXISTS reelvec_flows ON workflow_runs (workflow_name, ${OWNER}, ${SUBJECT}, available_at)
       WHERE namespace_id = 'default' AND status IN ('pending', 'running', 'sleeping')`,
    );
  }

  async create(run: NewRun): Promise<string> {
    const { workflow, key, input } = run;
    const [known] = this.#all(
      `SELECT id FROM workflow_runs
       WHERE namespace_id = 'default' AND workflow_name = :workflow AND idempotency_key = :key`,
      { workflow, key },
    );
    if (known) return String(known['id']);
    this.#all(
      `INSERT INTO workflow_runs (namespace_id, id, workflow_name, status, idempotency_key, config, input, attempts,
         available_at, created_at, updated_at)
       VALUES ('default', :id, :workflow, 'pending', :key, '{}', :input, 0, :now, :now, :now)
       RETURNING id`,
      { ...now(), id: runId(run), workflow, key, input: JSON.stringify(input) },
    );
    return runId(run);
  }

  async waiting(names: readonly string[]): Promise<WaitingFlow[]> {
    const rows = this.#all(
      `WITH flows AS (
         SELECT ${OWNER} AS owner, ${SUBJECT} AS subject, input, min(created_at) AS since
         FROM workflow_runs WHERE ${WAITS} GROUP BY 1, 2
       )
       SELECT owner, subject, input, since FROM (
         SELECT *, row_number() OVER (PARTITION BY owner ORDER BY since) AS place FROM flows
       ) WHERE place <= ${MAX_FLOWS_PER_OWNER} ORDER BY since`,
      { ...now(), names: JSON.stringify(names) },
    );
    return rows.map(({ owner, subject, input, since }) => ({
      owner: String(owner),
      subject: String(subject),
      input: JSON.parse(String(input)) as RunInput,
      ageSec: (Date.now() - Date.parse(String(since))) / 1000,
    }));
  }

  async claim(
    { owner, subject }: Flow,
    names: readonly string[],
    { workerId, leaseDurationMs }: { workerId: string; leaseDurationMs: number },
  ): Promise<WorkflowRun | null> {
    const leasedUntil = new Date(Date.now() + leaseDurationMs).toISOString();
    const [claimed] = this.#all(
      `UPDATE workflow_runs
       SET status = 'running', attempts = attempts + 1, worker_id = :workerId, available_at = :leasedUntil,
         started_at = coalesce(started_at, :now), updated_at = :now
       WHERE namespace_id = 'default' AND id = (
         SELECT id FROM workflow_runs WHERE ${WAITS} AND ${OWNER} = :owner AND ${SUBJECT} = :subject
         ORDER BY available_at, created_at LIMIT 1
       )
       RETURNING id`,
      { ...now(), names: JSON.stringify(names), owner, subject, workerId, leasedUntil },
    );
    return claimed ? this.backend.getWorkflowRun({ workflowRunId: String(claimed['id']) }) : null;
  }

  async waitingSubjects(
    names: readonly string[],
    { after, limit }: { after: string; limit: number },
  ): Promise<string[]> {
    const rows = this.#all(
      `SELECT DISTINCT ${SUBJECT} AS subject FROM workflow_runs WHERE ${IDLE} AND ${SUBJECT} > :after
       ORDER BY 1 LIMIT :limit`,
      { ...now(), names: JSON.stringify(names), after, limit },
    );
    return rows.map(({ subject }) => String(subject));
  }

  async cancel(names: readonly string[], subjects: readonly string[]): Promise<number> {
    return this.#all(
      `UPDATE workflow_runs
       SET status = 'canceled', worker_id = NULL, available_at = NULL, finished_at = :now, updated_at = :now
       WHERE ${IDLE} AND ${SUBJECT} IN (SELECT value FROM json_each(:subjects)) RETURNING id`,
      { ...now(), names: JSON.stringify(names), subjects: JSON.stringify(subjects) },
    ).length;
  }

  async count(): Promise<QueueLength[]> {
    const rows = this.#all(
      `SELECT workflow_name, sum(available_at <= :now) AS waiting,
         sum(available_at > :now AND worker_id IS NOT NULL) AS running
       FROM workflow_runs WHERE namespace_id = 'default' AND status IN ('pending', 'running', 'sleeping') GROUP BY 1`,
      now(),
    );
    return rows.map((row) => ({
      workflow: String(row['workflow_name']),
      waiting: Number(row['waiting']),
      running: Number(row['running']),
    }));
  }

  async now(): Promise<Date> {
    return new Date();
  }

  async statuses(runIds: readonly string[]): Promise<Map<string, RunStatus>> {
    const rows = this.#all(
      `SELECT id, status FROM workflow_runs
       WHERE namespace_id = 'default' AND id IN (SELECT value FROM json_each(:ids))`,
      { ids: JSON.stringify(runIds) },
    );
    return new Map(rows.map(({ id, status }) => [String(id), toStatus(String(status))]));
  }

  async release(workerIds?: readonly string[]): Promise<void> {
    const held = workerIds ? 'worker_id IN (SELECT value FROM json_each(:ids))' : 'worker_id IS NOT NULL';
    this.#all(
      `UPDATE workflow_runs SET worker_id = NULL, available_at = :now
       WHERE namespace_id = 'default' AND status = 'running' AND ${held} RETURNING id`,
      { ...now(), ...(workerIds && { ids: JSON.stringify(workerIds) }) },
    );
  }

  async wakeParents(): Promise<void> {
    this.#all(
      `UPDATE workflow_runs AS parent SET available_at = :now
       WHERE namespace_id = 'default' AND status IN ('running', 'sleeping') AND worker_id IS NULL
         AND available_at > :now AND COALESCE((
           SELECT max(step.kind = 'workflow'
               AND (child.id IS NULL OR child.status IN ('completed', 'succeeded', 'failed', 'canceled')))
             FROM step_attempts AS step LEFT JOIN workflow_runs AS child
               ON child.namespace_id = step.child_workflow_run_namespace_id AND child.id = step.child_workflow_run_id
             WHERE step.namespace_id = parent.namespace_id AND step.workflow_run_id = parent.id
               AND step.status = 'running' AND step.kind IN ('sleep', 'signal-wait', 'workflow')
         ), 1)
       RETURNING id`,
      now(),
    );
  }

  async deleteEnded(before: Date): Promise<void> {
    this.#all(`DELETE FROM workflow_runs WHERE namespace_id = 'default' AND finished_at < :before RETURNING id`, {
      before: before.toISOString(),
    });
  }

  /** No-op: there are no other nodes. */
  notifyNodes(): void {}
  /** No-op: there are no other nodes. */
  async listen(): Promise<void> {}

  async close(): Promise<void> {
    this.#db.close();
    await this.backend.stop();
  }

  #all(statement: string, parameters: Record<string, SQLInputValue>): Record<string, unknown>[] {
    return this.#db.prepare(statement).all(parameters);
  }
}

function now(): { now: string } {
  return { now: new Date().toISOString() };
}
