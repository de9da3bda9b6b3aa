import type { Db } from '../database/open.ts';
import { readNumber } from '../database/stored-numbers.ts';
import type { BlobStore } from './store.ts';

/**
 * Time at which the database took over an existing blob store, in milliseconds since 1970; 0 if it did not. Blobs
 * without a row from before that time are removed only on explicit request.
 */
export async function takeoverTimeMs(db: Db): Promise<number> {
  return (await readNumber(db, 'kept_before_ms')) ?? 0;
}

/** Removes the blobs under a prefix, except those from before the takeover of the store. */
export async function removeSinceTakeover(db: Db, blobs: BlobStore, prefix: string): Promise<void> {
  const since = await takeoverTimeMs(db);
  if (since === 0) return blobs.remove(prefix);
  for await (const { key, modifiedAt } of blobs.list(prefix)) if (modifiedAt.getTime() > since) await blobs.remove(key);
}
