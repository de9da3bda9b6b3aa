import { buffer } from 'node:stream/consumers';
import { sha256OfBlob } from '../blobs/hash-blob.ts';
import { BlobNotFound, type BlobStore } from '../blobs/store.ts';
import { isReelvecError, type MediaKind, ofKind, ReelvecError } from '../errors.ts';
import type { ImageInfo, MediaInfo } from '../media/info.ts';
import { causeText } from '../observe/cause.ts';
import type { Logger } from '../observe/logger.ts';
import type { Quotas } from '../quotas/quotas.ts';
import { animationType, imageType } from '../sources/media-magic.ts';
import { HEAD_BYTES, requireMediaOrImage } from '../sources/sniff.ts';
import { parseSourceUrl, type UrlGuard } from '../sources/url.ts';
import { assetKey, mediaKey, thumbnailKey } from './blobs.ts';
import type { DedupedMedia } from './deduped-media.ts';
import type { Asset, AssetRepository } from './repository.ts';

/** How often it is looked whether the asset is still there, in milliseconds: a deleted one is not fetched to its end. */
const WANTED_CHECK_MS = 250;

/** Shortest animation that counts as a video: the shortest media that a task takes, less what containers round. Seconds. */
const MIN_VIDEO_SEC = 3.95;

/** What looks at files, in media workers. They throw ReelvecErrors for what is wrong with a file. */
export interface MediaInspectors {
  readonly probe: (path: string, signal: AbortSignal) => Promise<MediaInfo>;
  /** With a small copy, as a JPEG file. */
  readonly image: (path: string, signal: AbortSignal) => Promise<{ image: ImageInfo; thumbnail: Uint8Array }>;
  /** A JPEG file. */
  readonly thumbnail: (film: { path: string; media: MediaInfo }, signal: AbortSignal) => Promise<Uint8Array>;
}

export interface PrepareDeps {
  readonly assets: AssetRepository;
  readonly blobs: BlobStore;
  readonly dedupedMedia: DedupedMedia;
  readonly urls: UrlGuard;
  readonly maxUrlBytes: number;
  readonly maxImageBytes: number;
  readonly inspectors: MediaInspectors;
  readonly quotas: Quotas;
  readonly log: Logger;
}

/**
 * Brings an asset from `processing` to `ready` or `failed`: fetches it if it comes by URL, and looks at its content.
 * Can be called again after a crash; what was stored is not fetched twice.
 * @throws what is no fault of the media or its source, and the signal's reason: call it again
 */
export async function prepareAsset(deps: PrepareDeps, assetId: string, signal: AbortSignal): Promise<void> {
  const { assets, dedupedMedia, log } = deps;
  const asset = await assets.get(assetId);
  if (asset?.status !== 'processing') return;
  const deleted = new AbortController();
  const timer = setInterval(async () => {
    if (!(await assets.get(assetId).catch(() => asset))) deleted.abort(new Error('The asset was deleted.'));
  }, WANTED_CHECK_MS);
  try {
    const wanted = AbortSignal.any([signal, deleted.signal]);
    const fetched = await fetchMedia(deps, asset, wanted);
    const looked = await look(deps, asset, wanted);
    const { media } = looked;
    if (asset.contentId === undefined) {
      const sha256 = asset.sha256 ?? fetched ?? (await sha256OfBlob(deps.blobs, assetKey(assetId), wanted));
      await dedupedMedia.deduplicate(asset, { sha256, size: await sizeOf(deps.blobs, assetKey(assetId)) });
    }
    await assets.setReady(assetId, media, asset.thumbnail && (looked.hasThumbnail ? 'ready' : 'error'));
    log.info({ assetId, type: media.mimeType, bytes: media.size, durationSec: media.durationSec }, 'asset ready');
  } catch (thrown) {
    signal.throwIfAborted();
    if (deleted.signal.aborted) return;
    const error = ofKind(thrown, kindOf(asset));
    // A fault of the server, a full disk say, is not held against the asset.
    if (!isReelvecError(error) || error.status >= 500) throw error;
    // Nor what it looks like while another node, to which the run was handed, is about to end it.
    if ((await assets.get(assetId))?.contentId !== asset.contentId) throw error;
    log.info({ assetId, code: error.code, reason: error.message, cause: causeText(error) }, 'asset failed');
    await assets.setFailed(assetId, error);
    await dedupedMedia.release(asset.contentId);
    await dedupedMedia.clear(assetId);
  } finally {
    clearInterval(timer);
    // Deleted meanwhile: what was stored after that goes too.
    if (!(await assets.get(assetId))) await dedupedMedia.clear(assetId);
  }
}

interface Looked {
  readonly media: MediaInfo;
  /** Made only where it is asked for. */
  readonly hasThumbnail: boolean;
}

/** Brings what is at a URL here, unless it is here. @returns its SHA-256 where that is known from storing it */
async function fetchMedia(deps: PrepareDeps, asset: Asset, signal: AbortSignal): Promise<string | undefined> {
  const { assets, blobs, urls, quotas, maxUrlBytes } = deps;
  const key = mediaKey(asset);
  if (asset.sourceUrl === undefined || (await blobs.stat(key))) return undefined;
  const url = parseSourceUrl(asset.sourceUrl, { field: 'url' });
  const { size, sha256 } = await urls.fetchToBlob(blobs, key, url, { maxBytes: maxUrlBytes, wasRead: true, signal });
  await assets.setSize(asset.id, size, (transaction) => quotas.admitBytes(transaction, asset.owner));
  return sha256;
}

async function look(deps: PrepareDeps, asset: Asset, signal: AbortSignal): Promise<Looked> {
  const { blobs } = deps;
  const key = mediaKey(asset);
  const blob = await blobs.stat(key);
  if (!blob) throw new ReelvecError('resource_not_exist', 'The file of the asset is gone. Upload it again.');
  // Another look than at creation: the URL may give something else by now.
  const head = await buffer(blobs.read(key, { start: 0, end: HEAD_BYTES - 1 }));
  const fileType = requireMediaOrImage(head, { subject: 'The file' });
  const imageFile = imageType(head);
  const looked = imageFile
    ? ((await lookAtAnimation(deps, asset, head, signal)) ??
      (await lookAtImage(deps, asset, { fileType: imageFile, size: blob.size }, signal)))
    : await lookAtMedia(deps, asset, { fileType }, signal);
  requireDeclared(asset, looked.media);
  return looked;
}

/** Looks at an image that moves for long enough to be a video. @returns undefined for any other image */
async function lookAtAnimation(
  deps: PrepareDeps,
  asset: Asset,
  head: Uint8Array,
  signal: AbortSignal,
): Promise<Looked | undefined> {
  const fileType = animationType(head);
  if (!fileType || asset.declaredType === 'image') return undefined;
  try {
    const looked = await lookAtMedia(deps, asset, { fileType }, signal);
    return looked.media.durationSec >= MIN_VIDEO_SEC ? looked : undefined;
  } catch (error) {
    // The image decoder has the last word on a file that FFmpeg cannot read.
    if (!isReelvecError(error) || error.status >= 500) throw error;
    return undefined;
  }
}

/** By its first bytes, or else by what a client said. */
function kindOf({ fileType, declaredType }: Asset): MediaKind {
  const found = fileType?.split('/')[0];
  return found === 'audio' || found === 'image' ? found : (declaredType ?? 'video');
}

async function lookAtImage(
  { blobs, inspectors, maxImageBytes }: PrepareDeps,
  asset: Asset,
  { fileType, size }: { fileType: string; size: number },
  signal: AbortSignal,
): Promise<Looked> {
  if (size > maxImageBytes) {
    throw new ReelvecError(
      'image_filesize_too_large',
      `The image has ${size} bytes; ${maxImageBytes} are allowed. Encode it smaller.`,
      { details: { bytes: size, max_bytes: maxImageBytes } },
    );
  }
  const { image, thumbnail } = await blobs.use(mediaKey(asset), (path) => inspectors.image(path, signal));
  if (asset.thumbnail) await blobs.write(thumbnailKey(asset.id), thumbnail, { signal });
  const trackCounts = { video: 0, audio: 0, subtitles: 0 };
  const media = { format: image.format, mimeType: fileType, size, durationSec: 0, bitRate: 0, image, trackCounts };
  return { media, hasThumbnail: asset.thumbnail !== undefined };
}

async function lookAtMedia(
  { blobs, inspectors, log }: PrepareDeps,
  asset: Asset,
  { fileType }: { fileType: string | undefined },
  signal: AbortSignal,
): Promise<Looked> {
  const key = mediaKey(asset);
  const found = await blobs.use(key, (path) => inspectors.probe(path, signal));
  // Its first bytes tell Matroska from WebM and QuickTime from MP4, its tracks whether there are pictures in it.
  const agree = fileType?.split('/')[0] === found.mimeType.split('/')[0];
  const media = agree && fileType ? { ...found, mimeType: fileType } : found;
  if (!asset.thumbnail) return { media, hasThumbnail: false };
  try {
    const thumbnail = await blobs.use(key, (path) => inspectors.thumbnail({ path, media }, signal));
    await blobs.write(thumbnailKey(asset.id), thumbnail, { signal });
    return { media, hasThumbnail: true };
  } catch (error) {
    // The asset is as good without it. A fault of the server is one for the asset too: all is tried again.
    if (!isReelvecError(error) || error.status >= 500) throw error;
    log.info({ assetId: asset.id, code: error.code, reason: error.message }, 'no thumbnail');
    return { media, hasThumbnail: false };
  }
}

/** What a multipart upload said that it would be, it has to be. */
function requireDeclared({ declaredType }: Asset, media: MediaInfo): void {
  const type = media.image ? 'image' : media.trackCounts.video > 0 ? 'video' : 'audio';
  if (declaredType === undefined || declaredType === type) return;
  throw new ReelvecError(
    'parameter_invalid',
    `The upload was announced with type ${declaredType}, but the file is ${type} (${media.mimeType}). Upload it with type ${type}.`,
    { details: { field: 'type', value: declaredType, found: type } },
  );
}

async function sizeOf(blobs: BlobStore, key: string): Promise<number> {
  const found = await blobs.stat(key);
  if (!found) throw new BlobNotFound(key);
  return found.size;
}
