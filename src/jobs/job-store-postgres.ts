import type { CreateWorkflowRunParams, WorkflowRun } from 'openworkflow/internal';
import { BackendPostgres } from 'openworkflow/postgres';
import postgres from 'postgres';
import { ASYNC_COMMIT, POSTGRES_OPTIONS } from '../database/postgres.ts';
import { openPostgresPool } from '../database/postgres-pool.ts';
import type { Flow } from './fair-scheduler.ts';
import {
  type JobStore,
  MAX_FLOWS_PER_OWNER,
  type NewRun,
  type QueueLength,
  type RunStatus,
  runId,
  toStatus,
  type WaitingFlow,
} from './job-store.ts';

/** Connections of one node for its durable work, beside the one that listens. */
const MAX_CONNECTIONS = 6;
/** Minimum interval between two notifications: the first is sent at once, those that follow within it are merged into one. */
const NOTIFY_INTERVAL_MS = 50;
/** PostgreSQL notification channel on which nodes tell each other that runs are waiting. */
const CHANNEL = 'reelvec_jobs';
/** OpenWorkflow's indexes that serve only queries which reelvec does not use; see `#createIndex`. */
const UNUSED_INDEXES = [
  'workflow_runs_status_available_at_created_at_idx',
  'workflow_runs_status_created_at_desc_idx',
  'workflow_runs_workflow_name_status_created_at_desc_idx',
];

/**
 * Job store of several nodes, in the schema `openworkflow` of the database with reelvec's own tables. All times are by the
 * database's clock, so the nodes' clocks do not matter. One node at a time holds a run.
 */
export class PostgresJobStore implements JobStore {
  readonly backend: BackendPostgres;
  readonly #sql: postgres.Sql;
  #pendingNotify: NodeJS.Timeout | undefined;
  #notifiedAtMs = Number.NEGATIVE_INFINITY;

  private constructor(url: string) {
    // OpenWorkflow's backend expects column names in camel case.
    this.#sql = openPostgresPool(url, {
      ...POSTGRES_OPTIONS,
      connection: {
        ...POSTGRES_OPTIONS.connection,
        // Prepared plans are cached: a sequential scan chosen for a short queue would read all of a long one.
        // As text: postgres.js drops settings that are false.
        enable_seqscan: 'off',
        // Clients are never told of runs, so a commit that a database crash loses is simply repeated. A commit that a client
        // was told of flushes the write-ahead log, which all tables share, and with it every earlier commit here.
        ...ASYNC_COMMIT,
      },
      max: MAX_CONNECTIONS,
      transform: { column: { from: postgres.toCamel } },
    });
    this.backend = BackendPostgres.fromPool(this.#sql);
    const createWorkflowRun = this.backend.createWorkflowRun.bind(this.backend);
    // OpenWorkflow creates a run with a key in a transaction, for which postgres.js reserves a connection. After connections
    // broke, that reservation may never resolve, and the parent run would be stuck.
    this.backend.createWorkflowRun = ({ idempotencyKey, ...params }) =>
      idempotencyKey === null
        ? createWorkflowRun({ idempotencyKey, ...params })
        : this.createChild({ idempotencyKey, ...params });
  }

  /** Connects and migrates the tables. Call it on one node at a time. */
  static async open(url: string): Promise<PostgresJobStore> {
    const migrated = await BackendPostgres.connect(url);
    await migrated.stop();
    const store = new PostgresJobStore(url);
    await store.#createIndex();
    return store;
  }

  /** Uses one statement, where OpenWorkflow needs five and a lock, because a client waits for the answer meanwhile. */
  async create(run: NewRun): Promise<string> {
    const { workflow, key, input } = run;
    const notifies = this.#takeNotifyTurn();
    const [row] = await this.#sql<{ known: string | null }[]>`
      with known as (
        select id from openworkflow.workflow_runs
        where namespace_id = 'default' and workflow_name = ${workflow} and idempotency_key = ${key}
      ), made as (
        insert into openworkflow.workflow_runs (namespace_id, id, workflow_name, status, idempotency_key, config, input,
          attempts, available_at, created_at, updated_at)
        select 'default', ${runId(run)}, ${workflow}, 'pending', ${key}, '{}', ${this.#sql.json(input as postgres.JSONValue)},
          0, now(), date_trunc('milliseconds', now()), now()
        where not exists (select from known)
        on conflict do nothing
        returning id
      )
      select (select max(id) from known) as known, (select pg_notify(${CHANNEL}, '') from made where ${notifies})`;
    if (!notifies) this.notifyNodes();
    return row?.known ?? runId(run);
  }

  /** Creates a child run, or finds the one with its key, in one statement; repeated if another node inserts it concurrently. */
  async createChild(run: CreateWorkflowRunParams & { idempotencyKey: string }): Promise<WorkflowRun> {
    const sql = this.#sql;
    const { workflowName, idempotencyKey: key, version, config, context, input, availableAt, deadlineAt } = run;
    for (;;) {
      const [row] = await sql<WorkflowRun[]>`
        with known as (
          select * from openworkflow.workflow_runs
          where namespace_id = 'default' and workflow_name = ${workflowName} and idempotency_key = ${key}
          order by created_at limit 1
        ), made as (
          insert into openworkflow.workflow_runs (namespace_id, id, workflow_name, version, status, idempotency_key, config,
            context, input, attempts, parent_step_attempt_namespace_id, parent_step_attempt_id, available_at, deadline_at,
            created_at, updated_at)
          select 'default', ${runId({ workflow: workflowName, key })}, ${workflowName}, ${version}, 'pending', ${key},
            ${sql.json(config)}, ${sql.json(context)}, ${sql.json(input)}, 0, ${run.parentStepAttemptNamespaceId},
            ${run.parentStepAttemptId}, coalesce(${availableAt}, now()), ${deadlineAt},
            date_trunc('milliseconds', now()), now()
          where not exists (select from known)
          on conflict do nothing
          returning *
        )
        select * from known union all select * from made`;
      if (row) return row;
    }
  }

  /**
   * Costs one index lookup per listed flow, however many runs wait or sleep (a loose index scan): from a workflow's first run
   * to the next subject of the same owner, or to the next owner once this one has {@link MAX_FLOWS_PER_OWNER}.
   */
  async waiting(names: readonly string[]): Promise<WaitingFlow[]> {
    const sql = this.#sql;
    const columns = sql`workflow_name, ${this.#owner()} as owner, ${this.#subject()} as subject, input, created_at`;
    const order = sql`order by ${this.#owner()}, ${this.#subject()}, available_at limit 1`;
    const rows = await sql<WaitingFlow[]>`
      with recursive flows as (
        select first.* from unnest(${[...names]}::text[]) as wanted, lateral (
          select ${columns}, 1 as place from openworkflow.workflow_runs
          where ${this.#waits()} and workflow_name = wanted ${order}
        ) as first
        union all
        select next.* from flows as last, lateral (
          (
            select ${columns}, last.place + 1 from openworkflow.workflow_runs
            where ${this.#waits()} and workflow_name = last.workflow_name and last.place < ${MAX_FLOWS_PER_OWNER}
              and ${this.#owner()} = last.owner and ${this.#subject()} > last.subject ${order}
          ) union all (
            select ${columns}, 1 from openworkflow.workflow_runs
            where ${this.#waits()} and workflow_name = last.workflow_name and ${this.#owner()} > last.owner ${order}
          ) limit 1
        ) as next
      )
      select owner, subject, input, extract(epoch from now() - created_at)::float8 as "ageSec"
      from flows order by created_at`;
    return [...rows];
  }

  async claim(
    { owner, subject }: Flow,
    names: readonly string[],
    { workerId, leaseDurationMs }: { workerId: string; leaseDurationMs: number },
  ): Promise<WorkflowRun | null> {
    const [claimed] = await this.#sql<WorkflowRun[]>`
      update openworkflow.workflow_runs
      set status = 'running', attempts = attempts + 1, worker_id = ${workerId},
        available_at = now() + ${leaseDurationMs} * interval '1 millisecond',
        started_at = coalesce(started_at, now()), updated_at = now()
      where namespace_id = 'default' and id = (
        select id from openworkflow.workflow_runs
        where ${this.#waits()} and workflow_name = any(${[...names]})
          and ${this.#owner()} = ${owner} and ${this.#subject()} = ${subject}
        order by available_at, created_at limit 1 for update skip locked
      )
      returning *`;
    return claimed ?? null;
  }

  async now(): Promise<Date> {
    const [row] = await this.#sql<{ now: Date }[]>`select clock_timestamp() as now`;
    return row!.now;
  }

  async waitingSubjects(
    names: readonly string[],
    { after, limit }: { after: string; limit: number },
  ): Promise<string[]> {
    const rows = await this.#sql<{ subject: string }[]>`
      select distinct ${this.#subject()} as subject from openworkflow.workflow_runs
      where ${this.#idle(names)} and ${this.#subject()} > ${after} order by 1 limit ${limit}`;
    return rows.map(({ subject }) => subject);
  }

  async cancel(names: readonly string[], subjects: readonly string[]): Promise<number> {
    const { count } = await this.#sql`
      update openworkflow.workflow_runs
      set status = 'canceled', worker_id = null, available_at = null, finished_at = now(), updated_at = now()
      where ${this.#idle(names)} and ${this.#subject()} = any(${[...subjects]})`;
    return count;
  }

  async count(): Promise<QueueLength[]> {
    const rows = await this.#sql<QueueLength[]>`
      select workflow_name as workflow, (count(*) filter (where available_at <= now()))::int as waiting,
        (count(*) filter (where available_at > now() and worker_id is not null))::int as running
      from openworkflow.workflow_runs
      where namespace_id = 'default' and status in ('pending', 'running', 'sleeping') and available_at is not null
      group by 1`;
    return [...rows];
  }

  async statuses(runIds: readonly string[]): Promise<Map<string, RunStatus>> {
    const rows = await this.#sql<{ id: string; status: string }[]>`
      select id, status from openworkflow.workflow_runs where namespace_id = 'default' and id = any(${[...runIds]})`;
    return new Map(rows.map(({ id, status }) => [id, toStatus(status)]));
  }

  async release(workerIds?: readonly string[]): Promise<void> {
    const sql = this.#sql;
    const held = workerIds ? sql`worker_id = any(${[...workerIds]})` : sql`worker_id is not null`;
    await sql`
      update openworkflow.workflow_runs set worker_id = null, available_at = now()
      where namespace_id = 'default' and status = 'running' and available_at is not null and ${held}`;
    this.notifyNodes();
  }

  async wakeParents(): Promise<void> {
    const sql = this.#sql;
    const woken = await sql`
      update openworkflow.workflow_runs as parent set available_at = now()
      where namespace_id = 'default' and status in ('running', 'sleeping') and worker_id is null
        and available_at > now() and coalesce((
          select bool_or(step.kind = 'workflow' and (child.id is null or child.status in ('completed', 'succeeded', 'failed', 'canceled')))
            from openworkflow.step_attempts as step left join openworkflow.workflow_runs as child
              on child.namespace_id = step.child_workflow_run_namespace_id and child.id = step.child_workflow_run_id
            where step.namespace_id = parent.namespace_id and step.workflow_run_id = parent.id
              and step.status = 'running' and step.kind in ('sleep', 'signal-wait', 'workflow')
        ), true)`;
    if (woken.count > 0) this.notifyNodes();
  }

  async deleteEnded(before: Date): Promise<void> {
    await this.#sql`
      delete from openworkflow.workflow_runs
      where namespace_id = 'default' and created_at < ${before} and finished_at < ${before}`;
  }

  notifyNodes(): void {
    if (this.#pendingNotify) return;
    if (this.#takeNotifyTurn()) this.#sendNotify();
    else {
      this.#pendingNotify = setTimeout(() => {
        this.#pendingNotify = undefined;
        this.#notifiedAtMs = performance.now();
        this.#sendNotify();
      }, NOTIFY_INTERVAL_MS);
    }
  }

  #sendNotify(): void {
    // A lost notification delays the other nodes by their poll interval of a second.
    this.#sql.notify(CHANNEL, '').catch(() => {});
  }

  /** True if a notification may be sent now; the caller must send it, since it counts as sent. */
  #takeNotifyTurn(): boolean {
    const now = performance.now();
    if (this.#pendingNotify || now - this.#notifiedAtMs < NOTIFY_INTERVAL_MS) return false;
    this.#notifiedAtMs = now;
    return true;
  }

  async listen(onNotify: () => void): Promise<void> {
    await this.#sql.listen(CHANNEL, onNotify, onNotify);
  }

  async close(): Promise<void> {
    clearTimeout(this.#pendingNotify);
    await this.#sql.end({ timeout: 5 });
  }

  /** SQL condition of claimable runs: new, woken, or with an expired lease. */
  #waits() {
    return this.#sql`namespace_id = 'default' and status in ('pending', 'running', 'sleeping')
      and available_at <= now()`;
  }

  /** SQL condition of runs that no worker holds: they wait for a worker, a child or a time. */
  #idle(names: readonly string[]) {
    return this.#sql`namespace_id = 'default' and status in ('pending', 'running', 'sleeping')
      and available_at is not null and workflow_name = any(${[...names]}) and (worker_id is null or available_at <= now())`;
  }

  /**
   * Creates the index for `waiting` and `claim`, because OpenWorkflow's own do not cover owners and tasks. Ended runs have no
   * `available_at`, and no OpenWorkflow query in use implies that a run has one, so none is planned with this index.
   * Drops OpenWorkflow's indexes for its own claim and lists, which reelvec does not use: every update of a run is written to
   * each of them, and a plan made while the table is small may choose one of them to look up a run's id.
   */
  async #createIndex(): Promise<void> {
    for (const unused of UNUSED_INDEXES) await this.#sql`drop index if exists openworkflow.${this.#sql(unused)}`;
    await this.#sql`
      create index if not exists reelvec_flows on openworkflow.workflow_runs
        (workflow_name, (${this.#owner()}), (${this.#subject()}), available_at)
      where available_at is not null`;
  }

  /** SQL expression of a run's owner; empty for runs without one. */
  #owner() {
    return this.#sql`coalesce(input->>'owner', '')`;
  }

  /** SQL expression of a run's subject: its task, its asset, or else the run itself. */
  #subject() {
    return this.#sql`coalesce(input->>'taskId', input->>'assetId', id)`;
  }
}
