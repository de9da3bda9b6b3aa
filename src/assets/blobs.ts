import type { BlobStore } from '../store/blobs.ts';

/** Where the media of an asset lies. */
export function assetKey(assetId: string): string {
  return `assets/${assetId}/source`;
}

/** Where the picture that stands for an asset lies, a JPEG file. */
export function thumbnailKey(assetId: string): string {
  return `assets/${assetId}/thumbnail.jpg`;
}

/** Removes all that is stored for an asset. */
export function removeAssetBlobs(blobs: BlobStore, assetId: string): Promise<void> {
  return blobs.remove(`assets/${assetId}/`);
}
