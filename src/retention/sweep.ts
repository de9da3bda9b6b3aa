import type { UploadStore } from '../blobs/uploads.ts';
import type { Logger } from '../observe/logger.ts';
import { BlobsRefused, claimBlobs } from './claim.ts';
import { type ExpiryDeps, expireAssets, expireTasks, type KeepTimes } from './expiry.ts';
import { isHeld } from './hold.ts';
import { compareBlobs, countBlobs } from './orphans.ts';

/**
 * Grace period for a blob without a row. Longer than any time between the two, such as a client that sends the rest of a form
 * after its file. Milliseconds.
 */
export const GRACE_MS = 6 * 3_600_000;
/** Idle time after which an unfinished upload in the store is abandoned: they expire after a day. Milliseconds. */
const UPLOAD_IDLE_MS = 48 * 3_600_000;

export interface SweepDeps extends ExpiryDeps {
  readonly uploadStore: UploadStore;
  readonly keep: KeepTimes;
  /** Human-readable location of the blobs, for messages. */
  readonly place: string;
  readonly log: Logger;
}

/** Deletes expired results and assets, and content that no asset or task uses. */
export async function sweepDue(deps: SweepDeps, signal?: AbortSignal): Promise<void> {
  const { dedupedMedia, keep, log } = deps;
  if (await isHeld(deps)) return;
  const tasks = keep.resultTtlMs === undefined ? 0 : await expireTasks(deps, keep.resultTtlMs);
  signal?.throwIfAborted();
  const assets = keep.assetTtlMs === undefined ? 0 : await expireAssets(deps, keep.assetTtlMs);
  let unused = 0;
  for (const id of await dedupedMedia.unused()) {
    signal?.throwIfAborted();
    if (await dedupedMedia.release(id)) unused++;
  }
  if (tasks + assets + unused > 0) log.info({ tasks, assets, contents: unused }, 'expired');
}

/**
 * Deletes blobs that a crash orphaned. Keeps blobs that a live row names, and all blobs without a claim on the store. If more
 * than a tenth of all blobs have no row, keeps them too: then rows are missing rather than blobs left over.
 */
export async function sweepOrphans(deps: SweepDeps, signal?: AbortSignal): Promise<void> {
  const { db, blobs, uploadStore, log } = deps;
  if (await isHeld(deps)) return;
  try {
    await claimBlobs(deps);
  } catch (error) {
    if (!(error instanceof BlobsRefused)) throw error;
    return log.error({ reason: error.message }, 'orphans not swept');
  }
  const compared = () => compareBlobs({ db, blobs, graceMs: GRACE_MS });
  const { total, over, unknown } = await countBlobs(compared());
  let unknownLeft = maxRemoved(total.count);
  if (unknown.count > unknownLeft) {
    log.error(
      { blobs: unknown.count, bytes: unknown.bytes, of: total.count },
      'orphans kept: more than a tenth of all blobs have no row, as if the database were older than the blobs. ' +
        'Run `reelvec doctor` for details, or `reelvec doctor --delete-unknown` to delete them',
    );
    unknownLeft = 0;
  }
  // A second listing, because all keys may not fit in memory. Skipped if there is nothing to remove.
  if (over.count + unknownLeft > 0 && over.count + unknown.count > 0) {
    for await (const { key, size, verdict, why } of compared()) {
      signal?.throwIfAborted();
      if (verdict !== 'over' && !(verdict === 'unknown' && unknownLeft-- > 0)) continue;
      await blobs.remove(key);
      log.info({ key, size, why }, 'orphan removed');
    }
  }
  const forgotten = await uploadStore.sweep({ idleMs: UPLOAD_IDLE_MS });
  if (forgotten > 0) log.info({ uploads: forgotten }, 'abandoned uploads removed');
}

/** Maximum number of blobs without a row that a sweep removes: a tenth of all. */
export function maxRemoved(total: number): number {
  return Math.floor(total / 10);
}
