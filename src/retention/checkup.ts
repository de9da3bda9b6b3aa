import { assetKey } from '../assets/blobs.ts';
import type { DedupedMedia } from '../assets/deduped-media.ts';
import { AssetRepository } from '../assets/repository.ts';
import { sha256OfBlob } from '../blobs/hash-blob.ts';
import type { BlobStore } from '../blobs/store.ts';
import { COLUMNS } from '../database/columns.ts';
import type { Db } from '../database/open.ts';
import { missingSource, REBUILDING_WARNING } from '../tasks/lost-result.ts';
import { TaskRepository } from '../tasks/repository.ts';
import { readResult } from '../tasks/results/results.ts';
import { resultKey } from '../tasks/work.ts';
import { type Census, compareBlobs, countBlobs } from './orphans.ts';
import { GRACE_MS, maxRemoved } from './sweep.ts';

/** Rows per query. */
const BATCH_SIZE = 500;
/** Age at which a row without a run is stuck: ten times as long as a running server needs to start one. Milliseconds. */
const STUCK_AGE_MS = 10 * 60_000;

/** Inconsistency between the database and the stored files. */
export interface Finding {
  /** Sentence with the subject and its fault. */
  readonly problem: string;
  /** Effect of the repair; undefined if the operator must act. */
  readonly remedy?: string;
  /** Repairs it. Checks again first, because a running server may have repaired or removed the subject meanwhile. */
  readonly repair?: () => Promise<void>;
}

export interface CheckupDeps {
  readonly db: Db;
  readonly blobs: BlobStore;
  readonly dedupedMedia: DedupedMedia;
}

export interface CheckupOptions {
  /** True to hash all media and decode all results. */
  readonly deep: boolean;
  /** True if no server is running, so that a blob without a row is not about to get one. */
  readonly isAlone: boolean;
}

/**
 * Compares the blob store with the database. A server may be running: its pending writes and removals are not findings.
 */
export async function* checkUp(deps: CheckupDeps, { deep, isAlone }: CheckupOptions): AsyncGenerator<Finding> {
  yield* checkContents(deps, deep);
  yield* checkResults(deps, deep);
  yield* checkUnused(deps);
  yield* checkOrphans(deps, isAlone);
  yield* checkStuck(deps);
}

async function* checkContents({ db, blobs, dedupedMedia }: CheckupDeps, deep: boolean): AsyncGenerator<Finding> {
  const rowOf = (id: string) =>
    db.selectFrom('contents').select(COLUMNS.contents).where('id', '=', id).executeTakeFirst();
  for await (const { id } of allIds((after) =>
    db.selectFrom('contents').select('id').where('id', '>', after).orderBy('id').limit(BATCH_SIZE).execute(),
  )) {
    const wrong = async () => {
      const row = await rowOf(id);
      const fault = row && (await faultOf(blobs, assetKey(id), { size: Number(row.size), sha256: row.sha256 }, deep));
      // A running server removes the row first, then the blob.
      return fault !== undefined && (await rowOf(id)) ? fault : undefined;
    };
    const fault = await wrong();
    if (fault === undefined) continue;
    const assets = await db.selectFrom('assets').select('id').where('content_id', '=', id).execute();
    yield {
      problem: `The media ${assetKey(id)} of ${named('asset', assets)} ${fault}.`,
      remedy: 'the assets are marked as failed, and what is left of the media is removed',
      repair: async () => {
        if ((await wrong()) === undefined) return;
        await db
          .updateTable('assets')
          .set({
            status: 'failed',
            error_code: 'resource_not_exist',
            error_message: 'The file of the asset was lost or damaged in the store. Upload it again.',
            content_id: null,
            updated_at: new Date().toISOString(),
          })
          .where('content_id', '=', id)
          .execute();
        await dedupedMedia.release(id);
      },
    };
  }
}

async function* checkResults({ db, blobs }: CheckupDeps, deep: boolean): AsyncGenerator<Finding> {
  const [tasks, assets] = [new TaskRepository(db), new AssetRepository(db)];
  const isReady = async (id: string) =>
    (await db.selectFrom('tasks').select('id').where('id', '=', id).where('status', '=', 'ready').execute()).length > 0;
  for await (const { id } of allIds((after) =>
    db
      .selectFrom('tasks')
      .select('id')
      .where('status', '=', 'ready')
      .where('id', '>', after)
      .orderBy('id')
      .limit(BATCH_SIZE)
      .execute(),
  )) {
    const wrong = async () => {
      const fault = (await blobs.stat(resultKey(id))) ? deep && (await unreadable(blobs, resultKey(id))) : 'is missing';
      return fault && (await isReady(id)) ? fault : undefined;
    };
    const fault = await wrong();
    if (fault === undefined) continue;
    const problem = `The result ${resultKey(id)} of a task that is ready ${fault}.`;
    const task = await tasks.get(id);
    if (task && (await missingSource({ assets, blobs }, task)) === undefined) {
      yield {
        problem,
        remedy: 'a server rebuilds it from the asset',
        repair: async () => {
          if ((await wrong()) !== undefined) await tasks.restart(task, REBUILDING_WARNING);
        },
      };
      continue;
    }
    yield {
      problem,
      remedy: 'the task is marked as failed, because its result is lost',
      repair: async () => {
        if ((await wrong()) === undefined) return;
        await db
          .updateTable('tasks')
          .set({
            status: 'failed',
            error_code: 'internal_server_error',
            error_message: 'The result is no longer available. Create the task again.',
            updated_at: new Date().toISOString(),
          })
          .where('id', '=', id)
          .where('status', '=', 'ready')
          .execute();
        await blobs.remove(resultKey(id));
      },
    };
  }
}

async function* checkUnused({ dedupedMedia }: CheckupDeps): AsyncGenerator<Finding> {
  for (const id of await dedupedMedia.unused()) {
    yield {
      problem: `The media ${assetKey(id)} is not used by any asset or task.`,
      remedy: 'it is removed',
      repair: async () => void (await dedupedMedia.release(id)),
    };
  }
}

async function* checkOrphans({ db, blobs }: CheckupDeps, isAlone: boolean): AsyncGenerator<Finding> {
  const { total, unknown, kept } = await countBlobs(compareBlobs({ db, blobs, graceMs: isAlone ? 0 : GRACE_MS }));
  const isTooMuch = unknown.count > maxRemoved(total.count);
  if (kept.count > 0) yield left(kept, total, 'and existed when this database took over the blobs');
  if (isTooMuch) yield left(unknown, total, 'as if the database were older than the blobs');
  for await (const { key, size, verdict, why } of compareBlobs({ db, blobs, graceMs: GRACE_MS })) {
    if (verdict !== 'over' && (verdict !== 'unknown' || isTooMuch)) continue;
    yield {
      problem: `The blob ${key} (${size} bytes) has no row: ${why}.`,
      remedy: 'it is removed',
      repair: () => blobs.remove(key),
    };
  }
}

function left({ count, bytes }: Census['kept'], total: Census['total'], why: string): Finding {
  return {
    problem:
      `${count} of ${total.count} blobs (${bytes} bytes) have no row, ${why}. ` +
      'They are kept; `reelvec doctor --delete-unknown` deletes them.',
  };
}

async function* checkStuck({ db }: CheckupDeps): AsyncGenerator<Finding> {
  const before = new Date(Date.now() - STUCK_AGE_MS).toISOString();
  for (const table of ['tasks', 'assets'] as const) {
    const rows = await db
      .selectFrom(table)
      .select('id')
      .where('status', '=', 'processing')
      .where('run_id', 'is', null)
      .where('created_at', '<', before)
      .execute();
    for (const { id } of rows) {
      yield { problem: `${table === 'tasks' ? 'The task' : 'The asset'} ${id} has not been started. Start a server.` };
    }
  }
}

async function faultOf(
  blobs: BlobStore,
  key: string,
  expected: { size: number; sha256: string },
  deep: boolean,
): Promise<string | undefined> {
  const found = await blobs.stat(key);
  if (!found) return 'is missing';
  if (found.size !== expected.size) return `has ${found.size} bytes instead of ${expected.size}`;
  if (!deep) return undefined;
  return (await sha256OfBlob(blobs, key)) === expected.sha256
    ? undefined
    : 'is damaged: its SHA-256 differs from the recorded one';
}

async function unreadable(blobs: BlobStore, key: string): Promise<string | undefined> {
  try {
    for await (const _ of readResult(blobs, key, {}));
    return undefined;
  } catch (error) {
    return `cannot be read: ${(error as Error).message}`;
  }
}

async function* allIds(page: (after: string) => Promise<{ id: string }[]>): AsyncGenerator<{ id: string }> {
  for (let after = ''; ; ) {
    const rows = await page(after);
    yield* rows;
    if (rows.length < BATCH_SIZE) return;
    after = rows.at(-1)!.id;
  }
}

function named(noun: string, rows: readonly { id: string }[]): string {
  const [first, ...others] = rows;
  if (!first) return `no ${noun}`;
  return `${noun} ${first.id}${others.length > 0 ? ` and ${others.length} more` : ''}`;
}
