import type { Logger } from '../observe/logger.ts';
import type { UploadStore } from '../store/uploads.ts';
import { type ExpiryDeps, expireAssets, expireTasks, type KeepTimes } from './expiry.ts';
import { findOrphans } from './orphans.ts';

/**
 * How long a blob may be without a row: longer than anything takes between the two, such as a client that sends the
 * rest of a form after its file.
 */
export const GRACE_MS = 6 * 3_600_000;
/** Uploads in parts expire after a day; what is older than two was forgotten. */
const UPLOAD_IDLE_MS = 48 * 3_600_000;

export interface SweepDeps extends ExpiryDeps {
  readonly uploads: UploadStore;
  readonly keep: KeepTimes;
  readonly log: Logger;
}

/** Removes what is due: results and assets whose time is over, and content that its last user left behind. */
export async function sweepDue(deps: SweepDeps, signal?: AbortSignal): Promise<void> {
  const { contents, keep, log } = deps;
  const tasks = keep.resultTtlMs === undefined ? 0 : await expireTasks(deps, keep.resultTtlMs);
  signal?.throwIfAborted();
  const assets = keep.assetTtlMs === undefined ? 0 : await expireAssets(deps, keep.assetTtlMs);
  let unused = 0;
  for (const id of await contents.unused()) {
    signal?.throwIfAborted();
    if (await contents.release(id)) unused++;
  }
  if (tasks + assets + unused > 0) log.info({ tasks, assets, contents: unused }, 'swept what was due');
}

/**
 * Removes what a crash orphaned. Never what a live row names.
 * @param options.graceMs 0 only where nobody else is writing
 */
export async function sweepOrphans(
  deps: SweepDeps,
  { graceMs, signal }: { graceMs: number; signal?: AbortSignal },
): Promise<void> {
  const { blobs, uploads, log } = deps;
  for await (const { key, size, why } of findOrphans({ ...deps, graceMs })) {
    signal?.throwIfAborted();
    await blobs.remove(key);
    log.info({ key, size, why }, 'swept an orphan');
  }
  const forgotten = await uploads.sweep({ idleMs: UPLOAD_IDLE_MS });
  if (forgotten > 0) log.info({ uploads: forgotten }, 'swept forgotten uploads');
}
