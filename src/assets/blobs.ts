import type { BlobStore } from '../blobs/store.ts';

/** Blob key of media that arrived with an asset. */
export function assetKey(assetId: string): string {
  return `assets/${assetId}/source`;
}

/** Blob key of an asset's thumbnail, a JPEG file. */
export function thumbnailKey(assetId: string): string {
  return `assets/${assetId}/thumbnail.jpg`;
}

/** Blob key of an asset's media, which it may share with other assets. */
export function mediaKey(asset: { readonly id: string; readonly contentId?: string }): string {
  return assetKey(asset.contentId ?? asset.id);
}

/** Removes all blobs of an asset. */
export function removeAssetBlobs(blobs: BlobStore, assetId: string): Promise<void> {
  return blobs.remove(`assets/${assetId}/`);
}
