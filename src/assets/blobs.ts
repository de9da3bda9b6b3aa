import type { BlobStore } from '../store/blobs.ts';

/** Where the media of an asset lies. */
export function assetKey(assetId: string): string {
  return `assets/${assetId}/source`;
}

/** Removes all that is stored for an asset. */
export function removeAssetBlobs(blobs: BlobStore, assetId: string): Promise<void> {
  return blobs.remove(`assets/${assetId}/`);
}
