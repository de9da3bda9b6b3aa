import { sql, type Updateable } from 'kysely';
import { COLUMNS } from '../database/columns.ts';
import { type Db, isForeignKeyViolation, type OnCreated } from '../database/open.ts';
import { type Page, selectNewestFirst } from '../database/page.ts';
import type { TasksTable } from '../database/schema.ts';
import { storedObject } from '../database/stored-json.ts';
import type { InputType } from '../domain/media-kind.ts';
import type { TimeRange } from '../domain/time-range.ts';
import type { ErrorCode } from '../errors.ts';
import { type RunPage, startedRows } from '../jobs/rows-with-runs.ts';
import type { MediaInfo } from '../media/info.ts';
import type { TaskRequest } from './request.ts';
import { type Stage, type Task, type TaskStatus, type TranscriptionSource, taskFromRow } from './task.ts';

export type { Stage, Task, TranscriptionSource } from './task.ts';

export interface TaskFilter {
  readonly status?: TaskStatus;
  readonly inputType?: InputType;
  /** Earliest creation time, inclusive, RFC 3339. */
  readonly from?: string;
  /** Latest creation time, inclusive, RFC 3339. */
  readonly to?: string;
}

/**
 * Runs once in the transaction that ends a task as `ready` or `failed`, so that its writes are committed with the end
 * or not at all.
 */
export type OnEnded = (transaction: Db, task: Task) => Promise<void>;

interface NewRow {
  readonly id: string;
  readonly owner: string;
  readonly request: TaskRequest;
  readonly bundle: string;
  readonly contentId?: string | undefined;
}

/** Tasks in the database. Updates of a task that is no longer `processing` are ignored: an end is final. */
export class TaskRepository {
  readonly #db: Db;
  /** Connection for progress of runs, which a run writes again if it is lost. */
  readonly #asyncDb: Db;
  readonly #onEnded: OnEnded | undefined;

  /** @param options.asyncDb the same database with commits that may be lost in a crash of the database; default `db` */
  constructor(db: Db, { asyncDb = db, onEnded }: { asyncDb?: Db; onEnded?: OnEnded } = {}) {
    this.#db = db;
    this.#asyncDb = asyncDb;
    this.#onEnded = onEnded;
  }

  async create(task: NewRow, onCreated?: OnCreated<Task>): Promise<Task> {
    if (!onCreated) return insert(this.#db, task);
    return this.#db.transaction().execute(async (transaction) => {
      const created = await insert(transaction, task);
      await onCreated(transaction, created);
      return created;
    });
  }

  /** Creates a task that is ready at once, because its result is stored already. */
  createReady(task: NewRow, onCreated?: OnCreated<Task>): Promise<Task> {
    return this.#db.transaction().execute(async (transaction) => {
      const created = await insert(transaction, task);
      await onCreated?.(transaction, created);
      const row = await update(transaction, task.id, { status: 'ready', warnings: '[]' });
      const ready = taskFromRow(row!);
      await this.#onEnded?.(transaction, ready);
      return ready;
    });
  }

  /** A task by id, restricted to an owner if given. */
  async get(id: string, owner?: string): Promise<Task | undefined> {
    let query = this.#db.selectFrom('tasks').select(COLUMNS.tasks).where('id', '=', id);
    if (owner !== undefined) query = query.where('owner', '=', owner);
    const row = await query.executeTakeFirst();
    return row && taskFromRow(row);
  }

  /** Tasks of an owner, newest first. */
  async list(owner: string, filter: TaskFilter, page: Page): Promise<{ tasks: Task[]; total: number }> {
    let query = this.#db.selectFrom('tasks').where('owner', '=', owner);
    if (filter.status !== undefined) query = query.where('status', '=', filter.status);
    if (filter.inputType !== undefined) query = query.where('input_type', '=', filter.inputType);
    if (filter.from !== undefined) query = query.where('created_at', '>=', filter.from);
    if (filter.to !== undefined) query = query.where('created_at', '<=', filter.to);
    const { rows, total } = await selectNewestFirst('tasks', query, page);
    return { tasks: rows.map(taskFromRow), total };
  }

  /** Completed share of the work, 0 to 1. */
  async progress(id: string): Promise<number> {
    const { done, all } = await this.#db
      .selectFrom('chunks')
      .where('task_id', '=', id)
      .select((e) => [
        e.fn.sum<number | null>('done_sec').as('done'),
        e.fn.sum<number | null>(sql<number>`end_sec - start_sec`).as('all'),
      ])
      .executeTakeFirstOrThrow();
    return all ? Math.min(1, Math.max(0, Number(done) / Number(all))) : 0;
  }

  async setStage(id: string, stage: Stage): Promise<void> {
    await this.#updateAsync(id, { stage });
  }

  async setProbed(id: string, media: MediaInfo, range: TimeRange): Promise<void> {
    await this.#updateAsync(id, { media: JSON.stringify(media), start_sec: range.startSec, end_sec: range.endSec });
  }

  /**
   * Retains an asset's content until the task ends.
   * @returns false if the content is gone because the asset was deleted
   */
  async setContent(id: string, contentId: string): Promise<boolean> {
    try {
      await update(this.#db, id, { content_id: contentId });
      return true;
    } catch (error) {
      if (isForeignKeyViolation(error)) return false;
      throw error;
    }
  }

  /**
   * Saves the plan. An existing plan is kept together with its progress. Its last commit waits for the disk and takes the
   * earlier ones along: a node that outlives a crash of the database goes on with the chunks, and they read the plan.
   */
  async setPlan(id: string, chunks: readonly TimeRange[], transcriptionSource?: TranscriptionSource): Promise<void> {
    const rows = chunks.map(({ startSec, endSec }, number) => ({
      task_id: id,
      number,
      start_sec: startSec,
      end_sec: endSec,
      done_sec: 0,
    }));
    await this.#asyncDb
      .insertInto('chunks')
      .values(rows)
      .onConflict((c) => c.doNothing())
      .execute();
    await update(this.#db, id, { stage: 'embedding', transcription_source: transcriptionSource ?? null });
  }

  /**
   * Records the progress of a chunk.
   * @param doneSec seconds of media embedded
   * @param segments embedded segments of the chunk, from its first
   */
  async setChunkDone(id: string, number: number, doneSec: number, segments: readonly TimeRange[] = []): Promise<void> {
    const times = segments.map(({ startSec, endSec }) => [startSec, endSec]);
    await this.#asyncDb
      .updateTable('chunks')
      .set({ done_sec: doneSec, segments: JSON.stringify(times) })
      .where('task_id', '=', id)
      .where('number', '=', number)
      .execute();
  }

  /** Range of a chunk according to the saved plan. */
  async chunkRange(id: string, number: number): Promise<TimeRange> {
    const { start_sec, end_sec } = await this.#db
      .selectFrom('chunks')
      .select(['start_sec', 'end_sec'])
      .where('task_id', '=', id)
      .where('number', '=', number)
      .executeTakeFirstOrThrow();
    return { startSec: Number(start_sec), endSec: Number(end_sec) };
  }

  /** Embedded segments by chunk. */
  async embeddedSegments(id: string): Promise<TimeRange[][]> {
    const rows = await this.#db
      .selectFrom('chunks')
      .select('segments')
      .where('task_id', '=', id)
      .orderBy('number')
      .execute();
    return rows.map(({ segments }) =>
      (JSON.parse(segments) as [number, number][]).map(([startSec, endSec]) => ({ startSec, endSec })),
    );
  }

  async setReady(id: string, warnings: readonly string[]): Promise<void> {
    await this.#end(id, { status: 'ready', warnings: JSON.stringify(warnings) });
  }

  async setFailed(id: string, error: { code: ErrorCode; message: string }): Promise<void> {
    await this.#end(id, { status: 'failed', error_code: error.code, error_message: error.message });
  }

  /**
   * Restarts a ready task to rebuild its result.
   * @param warning shown until the task ends
   * @returns the updated task; undefined if it is no longer ready, or was restarted since it was read
   */
  restart({ id, round }: Task, warning: string): Promise<Task | undefined> {
    return this.#db.transaction().execute(async (transaction) => {
      const row = await transaction
        .updateTable('tasks')
        .set({
          status: 'processing',
          stage: 'queued',
          warnings: JSON.stringify([warning]),
          run_id: null,
          round: round + 1,
          updated_at: new Date().toISOString(),
        })
        .where('id', '=', id)
        .where('status', '=', 'ready')
        .where('round', '=', round)
        .returning(COLUMNS.tasks)
        .executeTakeFirst();
      if (!row) return undefined;
      await transaction.updateTable('chunks').set({ done_sec: 0, segments: '[]' }).where('task_id', '=', id).execute();
      return taskFromRow(row);
    });
  }

  /** Records the runs of tasks. @param runs run ids by task id; not empty */
  async setRuns(runs: ReadonlyMap<string, string>): Promise<void> {
    const rows = [...runs].map(([id, runId]) => sql`(${id}, ${runId})`);
    await sql`
      with runs (task_id, run_id) as (values ${sql.join(rows)})
      update tasks set run_id = (select run_id from runs where task_id = tasks.id)
      where id in (select task_id from runs)`.execute(this.#asyncDb);
  }

  /** Ids of the unfinished tasks of an asset. */
  async usingAsset(assetId: string): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('tasks')
      .select(['id', 'request'])
      .where('status', '=', 'processing')
      .where('request', 'like', `%${assetId}%`)
      .execute();
    return rows
      .filter(({ request }) => usesAsset(storedObject(request) as TaskRequest | undefined, assetId))
      .map(({ id }) => id);
  }

  /** Unfinished tasks without a run. */
  async unstarted(): Promise<Task[]> {
    const rows = await this.#db
      .selectFrom('tasks')
      .select(COLUMNS.tasks)
      .where('status', '=', 'processing')
      .where('run_id', 'is', null)
      .execute();
    return rows.map(taskFromRow);
  }

  /** The unfinished tasks among `ids`. */
  async unfinished(ids: readonly string[]): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('tasks')
      .select('id')
      .where('id', 'in', ids)
      .where('status', '=', 'processing')
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Unfinished tasks with a run, ordered by run id. */
  started(page: RunPage): Promise<{ id: string; runId: string }[]> {
    return startedRows(this.#db, 'tasks', page);
  }

  /** @returns the deleted task; undefined if there was none */
  async delete(id: string, owner: string): Promise<Task | undefined> {
    const row = await this.#db
      .deleteFrom('tasks')
      .where('id', '=', id)
      .where('owner', '=', owner)
      .returning(COLUMNS.tasks)
      .executeTakeFirst();
    return row && taskFromRow(row);
  }

  async #end(id: string, values: Updateable<TasksTable>): Promise<void> {
    await this.#db.transaction().execute(async (transaction) => {
      const row = await update(transaction, id, { ...values, content_id: null });
      if (row) await this.#onEnded?.(transaction, taskFromRow(row));
    });
  }

  async #updateAsync(id: string, values: Updateable<TasksTable>): Promise<void> {
    await update(this.#asyncDb, id, values);
  }
}

/** Inserts a task that is `processing`. */
async function insert(db: Db, task: NewRow): Promise<Task> {
  const now = new Date().toISOString();
  const row = await db
    .insertInto('tasks')
    .values({
      id: task.id,
      owner: task.owner,
      input_type: task.request.inputType,
      model_name: task.request.modelName,
      bundle: task.bundle,
      request: JSON.stringify(task.request),
      status: 'processing',
      stage: 'queued',
      content_id: task.contentId ?? null,
      created_at: now,
      updated_at: now,
    })
    .returning(COLUMNS.tasks)
    .executeTakeFirstOrThrow();
  return taskFromRow(row);
}

/** @returns the updated row; undefined if the task had already ended */
function update(db: Db, id: string, values: Updateable<TasksTable>) {
  return db
    .updateTable('tasks')
    .set({ ...values, updated_at: new Date().toISOString() })
    .where('id', '=', id)
    .where('status', '=', 'processing')
    .returning(COLUMNS.tasks)
    .executeTakeFirst();
}

function usesAsset(request: TaskRequest | undefined, assetId: string): boolean {
  const source = request?.source;
  return source?.kind === 'asset' && source.assetId === assetId;
}
