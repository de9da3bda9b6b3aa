import type { CreateWorkflowRunParams, WorkflowRun } from 'openworkflow/internal';
import { BackendPostgres } from 'openworkflow/postgres';
import postgres from 'postgres';
import { ASYNC_COMMIT, POSTGRES_OPTIONS } from '../database/postgres.ts';
import { rejectUnanswered } from '../database/reject-unanswered.ts';
import type { Flow } from './fair-scheduler.ts';
import {
  type JobStore,
  type NewRun,
  type QueueLength,
  type RunStatus,
  runId,
  toStatus,
  type WaitingFlow,
} from './job-store.ts';

/** How many tasks of one owner take turns with each other at a time. */
const FLOWS_OF_AN_OWNER = 200;
/** Connections of one node for its durable work, beside one to listen. */
const CONNECTIONS = 6;
/** The first announcement is made at once, those that come within so long of one another together. Milliseconds. */
const ANNOUNCE_MS = 50;
const CHANNEL = 'reelvec_jobs';
const UNUSED_INDEXES = [
  'workflow_runs_status_available_at_created_at_idx',
  'workflow_runs_status_created_at_desc_idx',
  'workflow_runs_workflow_name_status_created_at_desc_idx',
];

/**
 * The schema `openworkflow` of the database that reelvec's own tables are in too. Every time in it is the database's:
 * the clocks of the nodes do not matter. Several nodes work on it, and each run has one of them.
 */
export class PostgresJobStore implements JobStore {
  readonly backend: BackendPostgres;
  readonly #sql: postgres.Sql;
  #announcing: NodeJS.Timeout | undefined;
  #announcedAt = Number.NEGATIVE_INFINITY;

  private constructor(url: string) {
    // OpenWorkflow reads its columns in camel case.
    const pool = postgres(url, {
      ...POSTGRES_OPTIONS,
      connection: {
        ...POSTGRES_OPTIONS.connection,
        // Plans are kept, and one that was made while the queue was short reads all of it when it is long.
        enable_seqscan: false,
        // Nobody is told of runs. What a crash takes back of them is done again; it takes back nothing from before what a
        // client was told, for which the one log of all tables was flushed.
        ...ASYNC_COMMIT,
      },
      max: CONNECTIONS,
      transform: { column: { from: postgres.toCamel } },
    });
    this.#sql = rejectUnanswered(pool);
    this.backend = BackendPostgres.fromPool(this.#sql);
    const createWorkflowRun = this.backend.createWorkflowRun.bind(this.backend);
    // OpenWorkflow makes a run with a key in a transaction, for which postgres.js reserves a connection. When connections break,
    // it may never give one: the promise stays pending, and the run that wants a child is stuck.
    this.backend.createWorkflowRun = ({ idempotencyKey, ...params }) =>
      idempotencyKey === null
        ? createWorkflowRun({ idempotencyKey, ...params })
        : this.createChild({ idempotencyKey, ...params });
  }

  /** Brings the tables up to date: call it on one node at a time. */
  static async open(url: string): Promise<PostgresJobStore> {
    const migrated = await BackendPostgres.connect(url);
    await migrated.stop();
    const store = new PostgresJobStore(url);
    await store.#index();
    return store;
  }

  /** In one statement, where OpenWorkflow needs five and a lock: runs are made while somebody waits for an answer. */
  async create(run: NewRun): Promise<string> {
    const { workflow, key, input } = run;
    const announces = this.#mayAnnounce();
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
      select (select max(id) from known) as known, (select pg_notify(${CHANNEL}, '') from made where ${announces})`;
    if (!announces) this.announce();
    return row?.known ?? runId(run);
  }

  /** Makes the run of a child, or finds the one with its key. In one statement, and again when another made it meanwhile. */
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
   * One step of the index for each flow that is listed, however many runs wait or sleep: from the first of a workflow on
   * to the next subject of the same owner, or to the next owner when the list has enough of this one.
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
            where ${this.#waits()} and workflow_name = last.workflow_name and last.place < ${FLOWS_OF_AN_OWNER}
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
    this.announce();
  }

  async wakeParents(): Promise<void> {
    const woken = await this.#sql`
      update openworkflow.workflow_runs as parent set available_at = now()
      where namespace_id = 'default' and status in ('running', 'sleeping') and worker_id is null
        and available_at > now() and exists (
          select from openworkflow.step_attempts as step join openworkflow.workflow_runs as child
            on child.namespace_id = step.child_workflow_run_namespace_id and child.id = step.child_workflow_run_id
          where step.namespace_id = parent.namespace_id and step.workflow_run_id = parent.id
            and step.kind = 'workflow' and step.status = 'running'
            and child.status in ('completed', 'succeeded', 'failed', 'canceled')
        )`;
    if (woken.count > 0) this.announce();
  }

  async forget(endedBefore: Date): Promise<void> {
    await this.#sql`
      delete from openworkflow.workflow_runs
      where namespace_id = 'default' and created_at < ${endedBefore} and finished_at < ${endedBefore}`;
  }

  announce(): void {
    if (this.#announcing) return;
    if (this.#mayAnnounce()) this.#notify();
    else {
      this.#announcing = setTimeout(() => {
        this.#announcing = undefined;
        this.#announcedAt = performance.now();
        this.#notify();
      }, ANNOUNCE_MS);
    }
  }

  #notify(): void {
    // Lost, it costs the other nodes a second: they look by themselves too.
    this.#sql.notify(CHANNEL, '').catch(() => {});
  }

  /** Whether the last announcement is long enough ago for one to be made at once, which is then taken for made. */
  #mayAnnounce(): boolean {
    const now = performance.now();
    if (this.#announcing || now - this.#announcedAt < ANNOUNCE_MS) return false;
    this.#announcedAt = now;
    return true;
  }

  async listen(onNews: () => void): Promise<void> {
    await this.#sql.listen(CHANNEL, onNews, onNews);
  }

  async close(): Promise<void> {
    clearTimeout(this.#announcing);
    await this.#sql.end({ timeout: 5 });
  }

  /** Waits: new, or its lease has run out, or woken. */
  #waits() {
    return this.#sql`namespace_id = 'default' and status in ('pending', 'running', 'sleeping')
      and available_at <= now()`;
  }

  /** Waits for a worker, a child or a time. */
  #idle(names: readonly string[]) {
    return this.#sql`namespace_id = 'default' and status in ('pending', 'running', 'sleeping')
      and available_at is not null and workflow_name = any(${[...names]}) and (worker_id is null or available_at <= now())`;
  }

  /**
   * What the queue is read by: OpenWorkflow's own indexes know nothing of owners and tasks. Runs that have ended have no
   * time, and none of OpenWorkflow's queries says that it has one, so this index is not taken for them by mistake.
   * Those of its indexes go that serve nobody here, its claim and its lists: every change of a run is written to each of
   * them, and a plan for a table that is small as yet may take one for a run's id.
   */
  async #index(): Promise<void> {
    for (const unused of UNUSED_INDEXES) await this.#sql`drop index if exists openworkflow.${this.#sql(unused)}`;
    await this.#sql`
      create index if not exists reelvec_flows on openworkflow.workflow_runs
        (workflow_name, (${this.#owner()}), (${this.#subject()}), available_at)
      where available_at is not null`;
  }

  #owner() {
    return this.#sql`coalesce(input->>'owner', '')`;
  }

  #subject() {
    return this.#sql`coalesce(input->>'taskId', input->>'assetId', id)`;
  }
}
