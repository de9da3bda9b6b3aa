import { mediaKey } from '../assets/blobs.ts';
import { type NamedAsset, readyAsset } from '../assets/ready.ts';
import type { AssetRepository } from '../assets/repository.ts';
import { BlobNotFound, type BlobStore } from '../blobs/store.ts';
import type { Config } from '../config.ts';
import { ReelvecError } from '../errors.ts';
import type { MediaInfo, StillPicture } from '../media/info.ts';
import { decodeBase64 } from '../sources/base64.ts';
import { HEAD_BYTES, requireImage, requireMedia } from '../sources/sniff.ts';
import { filenameOf, parseSourceUrl } from '../sources/url.ts';
import type { UrlGuard } from '../sources/url-guard.ts';
import type { WorkerPool } from '../workers/pool.ts';
import { runWithRetry } from '../workers/retry.ts';
import type { PictureSource, QuerySource } from './request.ts';
import type { ScratchFolder } from './scratch.ts';
import type { UploadedFile } from './uploads.ts';

export interface SourceDeps {
  /** Blob store of the assets. */
  readonly blobs: BlobStore;
  readonly urls: UrlGuard;
  readonly assets: Pick<AssetRepository, 'get'>;
  /** Workers that probe media and decode pictures. */
  readonly probes: WorkerPool;
  readonly limits: Pick<Config, 'maxVideoBytes' | 'maxAudioBytes' | 'maxImageBytes'>;
}

/** Owner, scratch folder and abort signal of a request. */
export interface SourceContext {
  readonly owner: string;
  readonly scratch: ScratchFolder;
  readonly signal: AbortSignal;
}

/** Media that a worker can read. */
interface LocalMedia {
  /** Path, or URL for a media worker. */
  readonly location: string;
  readonly media: MediaInfo;
  readonly filename?: string;
}

const MEGABYTE = 1024 ** 2;
/** Maximum wait of a query for an asset in preparation, in milliseconds. */
const ASSET_WAIT_MS = 10_000;

/**
 * Fetches and probes audio or video, and calls `work` with it.
 * @param options.name blob key in the scratch folder; unique if a query has several
 * @param options.field path of the request parameter: `video.media_source`
 * @throws {ReelvecError} for an unusable source
 */
export async function useMedia<T>(
  deps: SourceDeps,
  options: { source: QuerySource; field: string; maxBytes: number; name?: string },
  context: SourceContext,
  work: (found: LocalMedia) => Promise<T>,
): Promise<T> {
  const { source, field, maxBytes, name = 'source' } = options;
  const { owner, scratch, signal } = context;
  if (source.kind === 'asset') {
    const wanted = { field: `${field}.asset_id`, id: source.assetId, owner };
    const asset = await readyAsset(deps.assets, wanted, { waitMs: ASSET_WAIT_MS, signal });
    const { filename } = asset;
    return readingAsset(deps, wanted, () =>
      deps.blobs.use(mediaKey(asset), async (location) =>
        work({ location, filename, media: asset.media ?? (await probe(deps, location, signal)) }),
      ),
    );
  }
  if (source.kind === 'upload') {
    const { blobs, key } = source.file;
    requireMedia(await headOf(blobs, key), { subject: 'The file', details: { field } });
    return blobs.use(key, async (location) =>
      work({ location, filename: source.filename, media: await probe(deps, location, signal) }),
    );
  }
  let filename: string | undefined;
  if (source.kind === 'url') {
    const url = parseSourceUrl(source.url, { field: `${field}.url` });
    // Checks the head first, so that a file that is not media is not downloaded.
    const named = { field: `${field}.url`, host: url.host };
    const { head } = await deps.urls.check(url, { maxBytes, field: named.field, signal });
    requireMedia(head, { subject: `The source at ${url.host}`, details: named });
    const wanted = { maxBytes, field: named.field, wasRead: true, signal };
    await deps.urls.fetchToBlob(scratch.blobs, name, url, wanted);
    filename = filenameOf(url);
  } else {
    const bytes = decodeBase64(source.base64, { field: `${field}.base64_string` });
    requireMedia(bytes, {
      subject: `The content of ${field}.base64_string`,
      details: { field: `${field}.base64_string` },
    });
    await scratch.blobs.write(name, bytes, { signal });
  }
  return scratch.blobs.use(name, async (location) =>
    work({ location, filename, media: await probe(deps, location, signal) }),
  );
}

/**
 * Fetches and decodes a picture.
 * @param name unique blob key within the scratch folder
 * @throws {ReelvecError} for an unusable source
 */
export async function readPicture(
  deps: SourceDeps,
  { field, source }: PictureSource,
  name: string,
  { owner, scratch, signal }: SourceContext,
): Promise<StillPicture & { filename?: string }> {
  const maxBytes = deps.limits.maxImageBytes;
  let stored: UploadedFile = { blobs: scratch.blobs, key: name };
  let filename: string | undefined;
  let subject: string;
  if (source.kind === 'url') {
    const url = parseSourceUrl(source.url, { field: `${field}.url` });
    await deps.urls.fetchToBlob(scratch.blobs, name, url, { maxBytes, field: `${field}.url`, signal });
    filename = filenameOf(url);
    subject = `The source at ${url.host}`;
  } else if (source.kind === 'asset') {
    const wanted = { field: `${field}.asset_id`, id: source.assetId, owner };
    const asset = await readyAsset(deps.assets, wanted, { waitMs: ASSET_WAIT_MS, signal });
    subject = `${wanted.field}: the asset "${asset.id}"`;
    const key = mediaKey(asset);
    await readingAsset(deps, wanted, async () => {
      const blob = await deps.blobs.stat(key);
      if (!blob) throw new BlobNotFound(key);
      refuseTooLarge(blob.size, { subject, maxBytes });
      await scratch.blobs.write(name, deps.blobs.read(key), { signal });
    });
    filename = asset.filename;
  } else if (source.kind === 'upload') {
    stored = source.file;
    filename = source.filename;
    subject = 'The file';
  } else {
    const bytes = decodeBase64(source.base64, { field: `${field}.base64_string` });
    subject = `The content of ${field}.base64_string`;
    refuseTooLarge(bytes.length, { subject, maxBytes });
    await scratch.blobs.write(name, bytes, { signal });
  }
  requireImage(await headOf(stored.blobs, stored.key), { subject, details: { field } });
  const still = await stored.blobs.use(stored.key, (path) =>
    runWithRetry<'picture'>(deps.probes, { kind: 'picture', path }, { signal }),
  );
  return { ...still, ...(filename !== undefined && { filename }) };
}

function probe({ probes }: SourceDeps, path: string, signal: AbortSignal): Promise<MediaInfo> {
  return runWithRetry<'probe'>(probes, { kind: 'probe', path }, { signal });
}

async function headOf(blobs: BlobStore, key: string): Promise<Uint8Array> {
  return Buffer.concat(await blobs.read(key, { start: 0, end: HEAD_BYTES - 1 }).toArray());
}

/** Reads an asset. Rejects with `resource_not_exist` if the asset was deleted meanwhile, or its media is missing. */
async function readingAsset<T>({ assets }: SourceDeps, wanted: NamedAsset, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { field, id, owner } = wanted;
    const isThere = (await assets.get(id, owner)) !== undefined;
    if (isThere && !(error instanceof BlobNotFound)) throw error;
    const reason = isThere
      ? `the media of the asset "${id}" is missing from the server's store. Upload it again.`
      : `the asset "${id}" was deleted before it had been read.`;
    throw new ReelvecError('resource_not_exist', `${field}: ${reason}`, {
      status: 400,
      details: { field, value: id },
      cause: error,
    });
  }
}

function refuseTooLarge(bytes: number, { subject, maxBytes }: { subject: string; maxBytes: number }): void {
  if (bytes <= maxBytes) return;
  const found = `${(bytes / MEGABYTE).toFixed(1)} MB; an image may have ${maxBytes / MEGABYTE} MB`;
  throw new ReelvecError('image_filesize_too_large', `${subject} has ${found}. Encode it smaller.`, {
    details: { bytes, allowed: maxBytes },
  });
}
