import type { Db } from '../database/open.ts';
import { readNumber } from '../database/stored-numbers.ts';
import type { BlobStore } from './store.ts';

/**
 * Blobs without a row that were written up to this time were there when the database took the blobs over. They go only
 * when somebody asks for it. Milliseconds since 1970; 0 where nothing was taken over.
 */
export async function takeoverTimeMs(db: Db): Promise<number> {
  return (await readNumber(db, 'kept_before_ms')) ?? 0;
}

/** Removes everything below a prefix that no row names, but for what was there when the blobs were taken over. */
export async function removeSinceTakeover(db: Db, blobs: BlobStore, prefix: string): Promise<void> {
  const since = await takeoverTimeMs(db);
  if (since === 0) return blobs.remove(prefix);
  for await (const { key, modifiedAt } of blobs.list(prefix)) if (modifiedAt.getTime() > since) await blobs.remove(key);
}
