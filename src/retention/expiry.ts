import type { DedupedMedia } from '../assets/deduped-media.ts';
import type { BlobStore } from '../blobs/store.ts';
import type { Db } from '../database/open.ts';

/** Rows that are deleted together, and so the most whose blobs are left without a row by a crash or a store that fails. */
const BATCH = 10;

export interface ExpiryDeps {
  readonly db: Db;
  readonly blobs: BlobStore;
  readonly dedupedMedia: DedupedMedia;
}

export interface KeepTimes {
  /** How long results are kept, from the end of the task; undefined for ever. Milliseconds. */
  readonly resultTtlMs: number | undefined;
  /** How long assets are kept, from their creation; undefined for ever. Milliseconds. */
  readonly assetTtlMs: number | undefined;
}

/** Removes tasks that ended too long ago, with their results: from then on there is no such task. @returns how many */
export async function expireTasks({ db, blobs, dedupedMedia }: ExpiryDeps, ttlMs: number): Promise<number> {
  const before = new Date(Date.now() - ttlMs).toISOString();
  for (let expired = 0; ; ) {
    const rows = await db
      .deleteFrom('tasks')
      .where('id', 'in', (e) =>
        e
          .selectFrom('tasks')
          .select('id')
          .where('status', 'in', ['ready', 'failed'])
          .where('updated_at', '<', before)
          .limit(BATCH),
      )
      .where('status', 'in', ['ready', 'failed'])
      .returning(['id', 'content_id'])
      .execute();
    for (const { id, content_id } of rows) {
      await blobs.remove(`tasks/${id}/`);
      await dedupedMedia.release(content_id ?? undefined);
    }
    expired += rows.length;
    if (rows.length < BATCH) return expired;
  }
}

/** Removes assets that are too old, but for those that a task is reading: they go when it is over. @returns how many */
export async function expireAssets({ db, dedupedMedia }: ExpiryDeps, ttlMs: number): Promise<number> {
  const before = new Date(Date.now() - ttlMs).toISOString();
  for (let expired = 0; ; ) {
    const rows = await db
      .deleteFrom('assets')
      .where('id', 'in', (e) =>
        e
          .selectFrom('assets')
          .select('assets.id')
          .where('assets.status', 'in', ['ready', 'failed'])
          .where('assets.created_at', '<', before)
          .where((w) =>
            w.not(
              w.exists(
                w
                  .selectFrom('tasks')
                  .select('tasks.id')
                  .whereRef('tasks.content_id', '=', 'assets.content_id')
                  .where('tasks.status', '=', 'processing'),
              ),
            ),
          )
          .limit(BATCH),
      )
      .returning(['id', 'content_id'])
      .execute();
    for (const { id, content_id } of rows) {
      await dedupedMedia.release(content_id ?? undefined);
      await dedupedMedia.clear(id);
    }
    expired += rows.length;
    if (rows.length < BATCH) return expired;
  }
}
