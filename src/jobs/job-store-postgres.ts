import { BackendPostgres } from 'openworkflow/postgres';
import postgres from 'postgres';
import { POSTGRES_OPTIONS } from '../store/database-postgres.ts';
import { type JobStore, type QueueLength, type RunStatus, toStatus, type WaitingFlow } from './job-store.ts';
import type { Flow } from './turns.ts';

/** How many tasks of one owner take turns with each other at a time. */
const FLOWS_OF_AN_OWNER = 200;
/** Connections of one node for its durable work, beside one to listen. */
const CONNECTIONS = 6;
/** Announcements that come closer together than this are one. Milliseconds. */
const ANNOUNCE_MS = 5;
const CHANNEL = 'reelvec_jobs';

/**
 * The schema `openworkflow` of the database that reelvec's own tables are in too. Every time in it is the database's:
 * the clocks of the nodes do not matter. Several nodes work on it, and each run has one of them.
 */
export class PostgresJobStore implements JobStore {
  readonly backend: BackendPostgres;
  readonly #sql: postgres.Sql;
  #announcing: NodeJS.Timeout | undefined;

  private constructor(url: string) {
    // OpenWorkflow reads its columns in camel case.
    this.#sql = postgres(url, {
      ...POSTGRES_OPTIONS,
      max: CONNECTIONS,
      transform: { column: { from: postgres.toCamel } },
    });
    this.backend = BackendPostgres.fromPool(this.#sql);
  }

  /** Brings the tables up to date: call it on one node at a time. */
  static async open(url: string): Promise<PostgresJobStore> {
    const migrated = await BackendPostgres.connect(url);
    await migrated.stop();
    return new PostgresJobStore(url);
  }

  async waiting(names: readonly string[]): Promise<WaitingFlow[]> {
    const sql = this.#sql;
    return sql<WaitingFlow[]>`
      with flows as (
        select distinct on (1, 2) ${this.#owner()} as owner, ${this.#subject()} as subject, input, created_at
        from openworkflow.workflow_runs where ${this.#waits(names)} order by 1, 2, created_at
      )
      select owner, subject, input, extract(epoch from now() - created_at)::float8 as "ageSec" from (
        select *, row_number() over (partition by owner order by created_at) as place from flows
      ) as placed where place <= ${FLOWS_OF_AN_OWNER} order by created_at`;
  }

  async claim(
    { owner, subject }: Flow,
    names: readonly string[],
    { workerId, leaseDurationMs }: { workerId: string; leaseDurationMs: number },
  ): Promise<string | null> {
    const [claimed] = await this.#sql<{ id: string }[]>`
      update openworkflow.workflow_runs
      set status = 'running', attempts = attempts + 1, worker_id = ${workerId},
        available_at = now() + ${leaseDurationMs} * interval '1 millisecond',
        started_at = coalesce(started_at, now()), updated_at = now()
      where namespace_id = 'default' and id = (
        select id from openworkflow.workflow_runs
        where ${this.#waits(names)} and ${this.#owner()} = ${owner} and ${this.#subject()} = ${subject}
        order by available_at, created_at limit 1 for update skip locked
      )
      returning id`;
    return claimed?.id ?? null;
  }

  async now(): Promise<Date> {
    const [row] = await this.#sql<{ now: Date }[]>`select clock_timestamp() as now`;
    return row!.now;
  }

  async count(): Promise<QueueLength[]> {
    return this.#sql<QueueLength[]>`
      select workflow_name as workflow, (count(*) filter (where available_at <= now()))::int as waiting,
        (count(*) filter (where available_at > now() and worker_id is not null))::int as running
      from openworkflow.workflow_runs
      where namespace_id = 'default' and status in ('pending', 'running', 'sleeping') group by 1`;
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
      where namespace_id = 'default' and status = 'running' and ${held}`;
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
      delete from openworkflow.workflow_runs where namespace_id = 'default' and finished_at < ${endedBefore}`;
  }

  announce(): void {
    this.#announcing ??= setTimeout(() => {
      this.#announcing = undefined;
      // Lost, it costs the other nodes a second: they look by themselves too.
      this.#sql.notify(CHANNEL, '').catch(() => {});
    }, ANNOUNCE_MS);
  }

  async listen(onNews: () => void): Promise<void> {
    await this.#sql.listen(CHANNEL, onNews, onNews);
  }

  async close(): Promise<void> {
    clearTimeout(this.#announcing);
    await this.#sql.end({ timeout: 5 });
  }

  /** Waits: new, or its lease has run out, or woken. */
  #waits(names: readonly string[]) {
    return this.#sql`namespace_id = 'default' and status in ('pending', 'running', 'sleeping')
      and available_at <= now() and workflow_name = any(${[...names]})`;
  }

  #owner() {
    return this.#sql`coalesce(input->>'owner', '')`;
  }

  #subject() {
    return this.#sql`coalesce(input->>'taskId', input->>'assetId', id)`;
  }
}
