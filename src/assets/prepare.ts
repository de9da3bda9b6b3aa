import { buffer } from 'node:stream/consumers';
import { sha256OfBlob } from '../blobs/hash-blob.ts';
import { BlobNotFound, type BlobStore } from '../blobs/store.ts';
import type { MediaKind } from '../domain/media-kind.ts';
import { isReelvecError, ofKind, ReelvecError } from '../errors.ts';
import type { ImageInfo, MediaInfo } from '../media/info.ts';
import { causeText } from '../observe/cause.ts';
import type { Logger } from '../observe/logger.ts';
import type { Quotas } from '../quotas/quotas.ts';
import { animationType, imageType } from '../sources/media-magic.ts';
import { HEAD_BYTES, requireMediaOrImage } from '../sources/sniff.ts';
import { parseSourceUrl } from '../sources/url.ts';
import type { UrlGuard } from '../sources/url-guard.ts';
import { assetKey, mediaKey, thumbnailKey } from './blobs.ts';
import type { DedupedMedia } from './deduped-media.ts';
import type { Asset, AssetRepository } from './repository.ts';

/** Interval at which the asset's row is polled, so that the download of a deleted asset stops. Milliseconds. */
const DELETION_POLL_INTERVAL_MS = 250;

/**
 * Shortest animation that counts as a video: the minimum media duration of a task, less the rounding of containers.
 * Seconds.
 */
const MIN_ANIMATION_SEC = 3.95;

/** Media worker operations on files. They reject with a ReelvecError for a faulty file. */
export interface MediaInspectors {
  readonly probe: (path: string, signal: AbortSignal) => Promise<MediaInfo>;
  /** Image metadata, and a thumbnail as a JPEG file. */
  readonly image: (path: string, signal: AbortSignal) => Promise<{ image: ImageInfo; thumbnail: Uint8Array }>;
  /** Thumbnail as a JPEG file. */
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
 * Takes an asset from `processing` to `ready` or `failed`: downloads it if it comes from a URL, and inspects its
 * content. Safe to repeat after a crash; stored media is not downloaded twice.
 * @throws errors that are no fault of the media or its source, and the abort reason: call it again
 */
export async function prepareAsset(deps: PrepareDeps, assetId: string, signal: AbortSignal): Promise<void> {
  const { assets, dedupedMedia, log } = deps;
  const asset = await assets.get(assetId);
  if (asset?.status !== 'processing') return;
  const deleted = new AbortController();
  const timer = setInterval(async () => {
    if (!(await assets.get(assetId).catch(() => asset))) deleted.abort(new Error('The asset was deleted.'));
  }, DELETION_POLL_INTERVAL_MS);
  try {
    const wanted = AbortSignal.any([signal, deleted.signal]);
    const fetched = await fetchMedia(deps, asset, wanted);
    const inspected = await inspect(deps, asset, wanted);
    const { media } = inspected;
    if (asset.contentId === undefined) {
      const sha256 = asset.sha256 ?? fetched ?? (await sha256OfBlob(deps.blobs, assetKey(assetId), wanted));
      await dedupedMedia.deduplicate(asset, { sha256, size: await sizeOf(deps.blobs, assetKey(assetId)) });
    }
    await assets.setReady(assetId, media, asset.thumbnail && (inspected.hasThumbnail ? 'ready' : 'error'));
    log.info({ assetId, type: media.mimeType, bytes: media.size, durationSec: media.durationSec }, 'asset ready');
  } catch (thrown) {
    signal.throwIfAborted();
    if (deleted.signal.aborted) return;
    const error = ofKind(thrown, kindOf(asset));
    // A server fault, such as a full disk, does not fail the asset.
    if (!isReelvecError(error) || error.status >= 500) throw error;
    // Another node, which the run was handed to, may be about to end the asset; its state then says nothing about the
    // media.
    if ((await assets.get(assetId))?.contentId !== asset.contentId) throw error;
    log.info({ assetId, code: error.code, reason: error.message, cause: causeText(error) }, 'asset failed');
    await assets.setFailed(assetId, error);
    await dedupedMedia.release(asset.contentId);
    await dedupedMedia.clear(assetId);
  } finally {
    clearInterval(timer);
    // Deleted concurrently: removes what was stored since.
    if (!(await assets.get(assetId))) await dedupedMedia.clear(assetId);
  }
}

interface Inspection {
  readonly media: MediaInfo;
  /** False unless requested. */
  readonly hasThumbnail: boolean;
}

/** Downloads the media of a URL asset, unless it is stored. @returns its SHA-256 if known from the write */
async function fetchMedia(deps: PrepareDeps, asset: Asset, signal: AbortSignal): Promise<string | undefined> {
  const { assets, blobs, urls, quotas, maxUrlBytes } = deps;
  const key = mediaKey(asset);
  if (asset.sourceUrl === undefined || (await blobs.stat(key))) return undefined;
  const url = parseSourceUrl(asset.sourceUrl, { field: 'url' });
  const { size, sha256 } = await urls.fetchToBlob(blobs, key, url, { maxBytes: maxUrlBytes, wasRead: true, signal });
  await assets.setSize(asset.id, size, (transaction) => quotas.admitBytes(transaction, asset.owner));
  return sha256;
}

async function inspect(deps: PrepareDeps, asset: Asset, signal: AbortSignal): Promise<Inspection> {
  const { blobs } = deps;
  const key = mediaKey(asset);
  const blob = await blobs.stat(key);
  if (!blob) throw new ReelvecError('resource_not_exist', 'The file of the asset is gone. Upload it again.');
  // Inspected again, because the URL may deliver different content than on creation.
  const head = await buffer(blobs.read(key, { start: 0, end: HEAD_BYTES - 1 }));
  const fileType = requireMediaOrImage(head, { subject: 'The file' });
  const imageFile = imageType(head);
  const inspected = imageFile
    ? ((await inspectAnimation(deps, asset, head, signal)) ??
      (await inspectImage(deps, asset, { fileType: imageFile, size: blob.size }, signal)))
    : await inspectMedia(deps, asset, { fileType }, signal);
  requireDeclared(asset, inspected.media);
  return inspected;
}

/** Inspects an animated image as a video. @returns undefined if it is too short, or no animation */
async function inspectAnimation(
  deps: PrepareDeps,
  asset: Asset,
  head: Uint8Array,
  signal: AbortSignal,
): Promise<Inspection | undefined> {
  const fileType = animationType(head);
  if (!fileType || asset.declaredType === 'image') return undefined;
  try {
    const inspected = await inspectMedia(deps, asset, { fileType }, signal);
    return inspected.media.durationSec >= MIN_ANIMATION_SEC ? inspected : undefined;
  } catch (error) {
    // The image decoder decides on a file that FFmpeg cannot read.
    if (!isReelvecError(error) || error.status >= 500) throw error;
    return undefined;
  }
}

/** Media kind detected from the first bytes, or else declared by the client. */
function kindOf({ fileType, declaredType }: Asset): MediaKind {
  const found = fileType?.split('/')[0];
  return found === 'audio' || found === 'image' ? found : (declaredType ?? 'video');
}

async function inspectImage(
  { blobs, inspectors, maxImageBytes }: PrepareDeps,
  asset: Asset,
  { fileType, size }: { fileType: string; size: number },
  signal: AbortSignal,
): Promise<Inspection> {
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

async function inspectMedia(
  { blobs, inspectors, log }: PrepareDeps,
  asset: Asset,
  { fileType }: { fileType: string | undefined },
  signal: AbortSignal,
): Promise<Inspection> {
  const key = mediaKey(asset);
  const found = await blobs.use(key, (path) => inspectors.probe(path, signal));
  // The first bytes tell Matroska from WebM and QuickTime from MP4; the tracks tell whether there is a picture.
  const agree = fileType?.split('/')[0] === found.mimeType.split('/')[0];
  const media = agree && fileType ? { ...found, mimeType: fileType } : found;
  if (!asset.thumbnail) return { media, hasThumbnail: false };
  try {
    const thumbnail = await blobs.use(key, (path) => inspectors.thumbnail({ path, media }, signal));
    await blobs.write(thumbnailKey(asset.id), thumbnail, { signal });
    return { media, hasThumbnail: true };
  } catch (error) {
    // The thumbnail is optional, so its failure is not fatal. A server fault is: preparation is retried as a whole.
    if (!isReelvecError(error) || error.status >= 500) throw error;
    log.info({ assetId: asset.id, code: error.code, reason: error.message }, 'thumbnail failed');
    return { media, hasThumbnail: false };
  }
}

/** Checks the media type declared by a multipart upload. */
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
