import type { BlobStore } from '../store/blobs.ts';
import { removeAssetBlobs } from './blobs.ts';
import type { AssetRepository } from './repository.ts';

/**
 * Removes files that belong to no asset: a crash may come between a file and its row, or between a row's end and its
 * file's. Only before uploads are taken on, because theirs have no row until they are whole.
 */
export async function sweepAssetBlobs({ assets, blobs }: { assets: AssetRepository; blobs: BlobStore }): Promise<void> {
  for await (const { key } of blobs.list('assets/')) {
    const id = key.split('/')[1];
    if (id !== undefined && !(await assets.get(id))) await removeAssetBlobs(blobs, id);
  }
}
