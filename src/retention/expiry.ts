import type { DedupedMedia } from '../assets/deduped-media.ts';
import type { BlobStore } from '../blobs/store.ts';
import type { Db } from '../database/open.ts';

/** Rows deleted per statement. A crash orphans the blobs of at most this many rows. */
const BATCH_SIZE = 10;

export interface ExpiryDeps {
  readonly db: Db;
  readonly blobs: BlobStore;
  readonly dedupedMedia: DedupedMedia;
}

export interface KeepTimes {
  /** Retention of results after the end of the task; undefined keeps them. Milliseconds. */
  readonly resultTtlMs: number | undefined;
  /** Retention of assets after their creation; undefined keeps them. Milliseconds. */
  readonly assetTtlMs: number | undefined;
}

/** Deletes tasks that ended more than `ttlMs` ago, with their results. @returns the number of tasks */
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
          .limit(BATCH_SIZE),
      )
      .where('status', 'in', ['ready', 'failed'])
      .returning(['id', 'content_id'])
      .execute();
    for (const { id, content_id } of rows) {
      await blobs.remove(`tasks/${id}/`);
      await dedupedMedia.release(content_id ?? undefined);
    }
    expired += rows.length;
    if (rows.length < BATCH_SIZE) return expired;
  }
}

/** Deletes assets older than `ttlMs`, except those that an unfinished task reads. @returns the number of assets */
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
          .limit(BATCH_SIZE),
      )
      .returning(['id', 'content_id'])
      .execute();
    for (const { id, content_id } of rows) {
      await dedupedMedia.release(content_id ?? undefined);
      await dedupedMedia.clear(id);
    }
    expired += rows.length;
    if (rows.length < BATCH_SIZE) return expired;
  }
}
