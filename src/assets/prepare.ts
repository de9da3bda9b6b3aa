import { buffer } from 'node:stream/consumers';
import { isReelvecError, ReelvecError } from '../errors.ts';
import type { MediaInfo } from '../media/info.ts';
import { causeText } from '../observe/cause.ts';
import type { Logger } from '../observe/logger.ts';
import { HEAD_BYTES, requireMedia } from '../sources/sniff.ts';
import { parseSourceUrl, type UrlGuard } from '../sources/url.ts';
import type { BlobStore } from '../store/blobs.ts';
import { assetKey, removeAssetBlobs } from './blobs.ts';
import type { Asset, AssetRepository } from './repository.ts';

/** How often it is looked whether the asset is still there, in milliseconds: a deleted one is not fetched to its end. */
const WANTED_CHECK_MS = 250;

export interface PrepareDeps {
  readonly assets: AssetRepository;
  readonly blobs: BlobStore;
  readonly urls: UrlGuard;
  readonly maxUrlBytes: number;
  /** Looks at the content of a local file, in a media worker. */
  readonly probe: (path: string, options: { signal: AbortSignal }) => Promise<MediaInfo>;
  readonly log: Logger;
}

/**
 * Brings an asset from `processing` to `ready` or `failed`: fetches it if it comes by URL, and looks at its content.
 * Can be called again after a crash; what was stored is not fetched twice.
 * @throws what is no fault of the media or its source, and the signal's reason: call it again
 */
export async function prepareAsset(deps: PrepareDeps, assetId: string, signal: AbortSignal): Promise<void> {
  const { assets, blobs, log } = deps;
  const asset = await assets.get(assetId);
  if (asset?.status !== 'processing') return;
  const deleted = new AbortController();
  const timer = setInterval(async () => {
    if (!(await assets.get(assetId).catch(() => asset))) deleted.abort(new Error('The asset was deleted.'));
  }, WANTED_CHECK_MS);
  try {
    const media = await fetchAndProbe(deps, asset, AbortSignal.any([signal, deleted.signal]));
    await assets.setReady(assetId, media);
    log.info({ assetId, type: media.mimeType, bytes: media.size, durationSec: media.durationSec }, 'asset ready');
  } catch (error) {
    signal.throwIfAborted();
    if (deleted.signal.aborted) return;
    // A fault of the server, a full disk say, is not held against the asset.
    if (!isReelvecError(error) || error.status >= 500) throw error;
    log.info({ assetId, code: error.code, reason: error.message, cause: causeText(error) }, 'asset failed');
    await assets.setFailed(assetId, error);
    await removeAssetBlobs(blobs, assetId);
  } finally {
    clearInterval(timer);
    // Deleted meanwhile: what was stored after that goes too.
    if (!(await assets.get(assetId))) await removeAssetBlobs(blobs, assetId);
  }
}

async function fetchAndProbe(deps: PrepareDeps, asset: Asset, signal: AbortSignal): Promise<MediaInfo> {
  const { blobs, urls, maxUrlBytes, probe } = deps;
  const key = assetKey(asset.id);
  if (asset.sourceUrl !== undefined && !(await blobs.stat(key))) {
    const url = parseSourceUrl(asset.sourceUrl, { field: 'url' });
    await urls.fetchToBlob(blobs, key, url, { maxBytes: maxUrlBytes, signal });
  }
  if (!(await blobs.stat(key)))
    throw new ReelvecError('resource_not_exist', 'The file of the asset is gone. Upload it again.');
  // Another look than at creation: the URL may give something else by now.
  const head = await buffer(blobs.read(key, { start: 0, end: HEAD_BYTES - 1 }));
  const fileType = requireMedia(head, { subject: 'The file' });
  const media = await blobs.use(key, (path) => probe(path, { signal }));
  // Its first bytes tell Matroska from WebM and QuickTime from MP4, its tracks whether there are pictures in it.
  const agree = fileType?.split('/')[0] === media.mimeType.split('/')[0];
  return agree && fileType ? { ...media, mimeType: fileType } : media;
}
