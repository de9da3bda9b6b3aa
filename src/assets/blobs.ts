import type { BlobStore } from '../blobs/store.ts';

/** Where what comes with an asset is stored. */
export function assetKey(assetId: string): string {
  return `assets/${assetId}/source`;
}

/** Where the picture that stands for an asset lies, a JPEG file. */
export function thumbnailKey(assetId: string): string {
  return `assets/${assetId}/thumbnail.jpg`;
}

/** Where the media of an asset lies, whether it has it for itself or not. */
export function mediaKey(asset: { readonly id: string; readonly contentId?: string }): string {
  return assetKey(asset.contentId ?? asset.id);
}

/** Removes all that is stored for an asset. */
export function removeAssetBlobs(blobs: BlobStore, assetId: string): Promise<void> {
  return blobs.remove(`assets/${assetId}/`);
}
