import { sql, type Updateable } from 'kysely';
import { COLUMNS } from '../database/columns.ts';
import { type Db, isForeignKeyViolation, type OnCreated } from '../database/open.ts';
import { type Page, selectNewestFirst } from '../database/page.ts';
import type { TasksTable } from '../database/schema.ts';
import { storedObject, storedSentences } from '../database/stored-json.ts';
import type { ErrorCode } from '../errors.ts';
import { type RunPage, startedRows } from '../jobs/rows-with-runs.ts';
import type { TimeRange } from '../media/frames.ts';
import type { MediaInfo } from '../media/info.ts';
import type { TaskRequest } from './request.ts';

export type TaskStatus = 'processing' | 'ready' | 'failed';
export type Stage = 'queued' | 'fetching' | 'probing' | 'embedding' | 'finalizing';

/** A text track of the media, or a model that listens to its sound. */
export type TranscriptionSource = 'subtitles' | 'speech';

export interface Task {
  readonly id: string;
  readonly owner: string;
  readonly request: TaskRequest;
  /** Name and revision of the bundle that makes the vectors. */
  readonly bundle: string;
  readonly status: TaskStatus;
  readonly stage: Stage;
  /** Known once probed. */
  readonly media?: MediaInfo;
  /** The range that is processed; known once probed. */
  readonly range?: TimeRange;
  /** Where the words come from; known once planned, where there are any. */
  readonly transcriptionSource?: TranscriptionSource;
  readonly warnings: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
  readonly runId?: string;
  /** The asset's content that it reads, while it is being worked on. */
  readonly contentId?: string;
  /** How often its result was made again because it was lost. */
  readonly round: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface TaskFilter {
  readonly status?: TaskStatus;
  /** Created at or after, RFC 3339. */
  readonly from?: string;
  /** Created at or before, RFC 3339. */
  readonly to?: string;
}

/** Runs in the transaction that ends a task as `ready` or `failed`, once: what is told of the end stands or falls with it. */
export type OnEnded = (transaction: Db, task: Task) => Promise<void>;

/** The tasks as they stand. Every change of a task that no longer is `processing` is ignored: its story is over. */
export class TaskRepository {
  readonly #db: Db;
  /** For what a run writes of its work: it writes it again should it be lost. */
  readonly #asyncDb: Db;
  readonly #onEnded: OnEnded | undefined;

  /** @param options.asyncDb the same database, where commits need not survive its crash; default `db` */
  constructor(db: Db, { asyncDb = db, onEnded }: { asyncDb?: Db; onEnded?: OnEnded } = {}) {
    this.#db = db;
    this.#asyncDb = asyncDb;
    this.#onEnded = onEnded;
  }

  async create(
    task: { id: string; owner: string; request: TaskRequest; bundle: string; contentId?: string },
    onCreated?: OnCreated<Task>,
  ): Promise<Task> {
    const now = new Date().toISOString();
    const insert = async (db: Db) => {
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
      return fromRow(row);
    };
    if (!onCreated) return insert(this.#db);
    return this.#db.transaction().execute(async (transaction) => {
      const created = await insert(transaction);
      await onCreated(transaction, created);
      return created;
    });
  }

  /** A task by id; with an owner, only if it is theirs. */
  async get(id: string, owner?: string): Promise<Task | undefined> {
    let query = this.#db.selectFrom('tasks').select(COLUMNS.tasks).where('id', '=', id);
    if (owner !== undefined) query = query.where('owner', '=', owner);
    const row = await query.executeTakeFirst();
    return row && fromRow(row);
  }

  /** Newest first. */
  async list(owner: string, filter: TaskFilter, page: Page): Promise<{ tasks: Task[]; total: number }> {
    let query = this.#db.selectFrom('tasks').where('owner', '=', owner);
    if (filter.status !== undefined) query = query.where('status', '=', filter.status);
    if (filter.from !== undefined) query = query.where('created_at', '>=', filter.from);
    if (filter.to !== undefined) query = query.where('created_at', '<=', filter.to);
    const { rows, total } = await selectNewestFirst('tasks', query, page);
    return { tasks: rows.map(fromRow), total };
  }

  /** Share of the work that is done, 0 to 1. */
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
   * Keeps an asset's content for as long as the task is being worked on.
   * @returns false when the content is gone, because the asset was deleted
   */
  async setContent(id: string, contentId: string): Promise<boolean> {
    try {
      await this.#updateAsync(id, { content_id: contentId });
      return true;
    } catch (error) {
      if (isForeignKeyViolation(error)) return false;
      throw error;
    }
  }

  /** Writes the plan down; a plan that is already there stays, with what was done of it. */
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
    await this.#updateAsync(id, { stage: 'embedding', transcription_source: transcriptionSource ?? null });
  }

  /**
   * @param doneSec seconds of media of that chunk
   * @param segments of that chunk that are embedded, from its first
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

  /** What a chunk covers, by the task's plan. */
  async chunkRange(id: string, number: number): Promise<TimeRange> {
    const { start_sec, end_sec } = await this.#db
      .selectFrom('chunks')
      .select(['start_sec', 'end_sec'])
      .where('task_id', '=', id)
      .where('number', '=', number)
      .executeTakeFirstOrThrow();
    return { startSec: Number(start_sec), endSec: Number(end_sec) };
  }

  /** The segments that are embedded, by chunk. */
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
   * Puts a ready task back to work, to make its result again.
   * @param warning shown until the task is over
   * @returns the task as it is now; undefined when it is not ready any more, or was restarted since it was read
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
      return fromRow(row);
    });
  }

  /** Notes which runs work on tasks. @param runs ids of runs by ids of tasks; not empty */
  async setRuns(runs: ReadonlyMap<string, string>): Promise<void> {
    const rows = [...runs].map(([id, runId]) => sql`(${id}, ${runId})`);
    await sql`
      with runs (task_id, run_id) as (values ${sql.join(rows)})
      update tasks set run_id = (select run_id from runs where task_id = tasks.id)
      where id in (select task_id from runs)`.execute(this.#asyncDb);
  }

  /** Ids of the tasks that are working on an asset, or will. */
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

  /** Tasks that should be worked on and name no run. */
  async unstarted(): Promise<Task[]> {
    const rows = await this.#db
      .selectFrom('tasks')
      .select(COLUMNS.tasks)
      .where('status', '=', 'processing')
      .where('run_id', 'is', null)
      .execute();
    return rows.map(fromRow);
  }

  /** Which of these are not over. */
  async unfinished(ids: readonly string[]): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('tasks')
      .select('id')
      .where('id', 'in', ids)
      .where('status', '=', 'processing')
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Tasks that are worked on, in the order of their runs' ids. */
  started(page: RunPage): Promise<{ id: string; runId: string }[]> {
    return startedRows(this.#db, 'tasks', page);
  }

  /** @returns the task as it was, if there was one */
  async delete(id: string, owner: string): Promise<Task | undefined> {
    const row = await this.#db
      .deleteFrom('tasks')
      .where('id', '=', id)
      .where('owner', '=', owner)
      .returning(COLUMNS.tasks)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  async #end(id: string, values: Updateable<TasksTable>): Promise<void> {
    await this.#db.transaction().execute(async (transaction) => {
      const row = await update(transaction, id, { ...values, content_id: null });
      if (row) await this.#onEnded?.(transaction, fromRow(row));
    });
  }

  async #updateAsync(id: string, values: Updateable<TasksTable>): Promise<void> {
    await update(this.#asyncDb, id, values);
  }
}

/** @returns the row as it is now, unless the task's story was over */
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

const UNKNOWN_STATUS = {
  code: 'internal_server_error',
  message: 'The stored status of this task cannot be read. Create the task again.',
} as const satisfies Task['error'];

function isStatus(value: unknown): value is TaskStatus {
  return value === 'processing' || value === 'ready' || value === 'failed';
}

function fromRow(row: { [Name in keyof TasksTable]: unknown }): Task {
  return {
    id: String(row.id),
    owner: String(row.owner),
    request: {
      inputType: row.input_type,
      modelName: String(row.model_name),
      ...storedObject(row.request),
    } as TaskRequest,
    bundle: String(row.bundle),
    ...(isStatus(row.status) ? { status: row.status } : { status: 'failed', error: UNKNOWN_STATUS }),
    stage: row.stage as Stage,
    media: storedObject(row.media) as MediaInfo | undefined,
    ...(row.start_sec !== null && { range: { startSec: Number(row.start_sec), endSec: Number(row.end_sec) } }),
    ...(row.transcription_source !== null && { transcriptionSource: row.transcription_source as TranscriptionSource }),
    warnings: storedSentences(row.warnings),
    ...(row.error_code !== null && { error: { code: String(row.error_code), message: String(row.error_message) } }),
    ...(row.run_id !== null && { runId: String(row.run_id) }),
    ...(row.content_id !== null && { contentId: String(row.content_id) }),
    round: Number(row.round),
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
  };
}
