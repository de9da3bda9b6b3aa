import type { Readable } from 'node:stream';
import { sha256OfBlob } from '../blobs/hash-blob.ts';
import type { BlobStore } from '../blobs/store.ts';
import { newId } from '../database/ids.ts';
import type { OnCreated } from '../database/open.ts';
import type { Page } from '../database/page.ts';
import { type ErrorCode, ReelvecError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import type { Quotas } from '../quotas/quotas.ts';
import { requireMediaOrImage } from '../sources/sniff.ts';
import { filenameOf } from '../sources/url.ts';
import type { UrlGuard } from '../sources/url-guard.ts';
import { assetKey, removeAssetBlobs, thumbnailKey } from './blobs.ts';
import type { DedupedMedia } from './deduped-media.ts';
import { settledAsset } from './ready.ts';
import type { Asset, AssetFilter, AssetRepository, NewAsset, UserMetadata } from './repository.ts';
import { storeUpload, type Upload } from './upload.ts';

export interface AssetServiceDeps {
  readonly assets: AssetRepository;
  readonly blobs: BlobStore;
  readonly dedupedMedia: DedupedMedia;
  readonly urls: UrlGuard;
  readonly quotas: Quotas;
  readonly maxUploadBytes: number;
  readonly maxImageBytes: number;
  readonly maxUrlBytes: number;
  /** Users of assets. */
  readonly users: AssetUsers;
  /** Starts the durable run that prepares an asset. */
  readonly start: (assetId: string) => Promise<void>;
  /** Maximum wait of the response to an upload for the preparation, in milliseconds; default: 10 s. */
  readonly uploadWaitMs?: number;
  readonly log: Logger;
}

/** Default of `uploadWaitMs`: well below the common client timeout of one minute. Milliseconds. */
const UPLOAD_WAIT_MS = 10_000;

/** The operations on embedding tasks that assets depend on. */
export interface AssetUsers {
  /** Ids of the unfinished tasks of an asset. */
  tasksUsing(assetId: string): Promise<readonly string[]>;
  fail(taskId: string, error: { code: ErrorCode; message: string }): Promise<void>;
}

export interface AssetFacts {
  readonly owner: string;
  /** Default: the name of the file or the last segment of the URL. */
  readonly filename?: string;
  readonly userMetadata?: UserMetadata;
  /** True if requested. */
  readonly hls?: boolean;
  readonly thumbnail?: boolean;
}

/** Operations on assets. An owner can access only their own assets. */
export class AssetService {
  readonly #deps: AssetServiceDeps;

  constructor(deps: AssetServiceDeps) {
    this.#deps = deps;
  }

  /** Stores a file without an asset; `createDirect` or `discard` must follow. */
  async receive(content: AsyncIterable<Uint8Array>, owner: string): Promise<Upload> {
    const { blobs, quotas, maxUploadBytes: maxBytes, maxImageBytes } = this.#deps;
    const bytesLeft = await quotas.bytesLeft(owner);
    return storeUpload(blobs, content, { maxBytes, maxImageBytes, bytesLeft });
  }

  /** SHA-256 in lower-case hex. Reads the full content unless it is known. */
  async sha256Of({ id, sha256 }: Upload): Promise<string> {
    return sha256 ?? (await sha256OfBlob(this.#deps.blobs, assetKey(id)));
  }

  discard(upload: Upload): Promise<void> {
    return removeAssetBlobs(this.#deps.blobs, upload.id);
  }

  createDirect(upload: Upload, facts: AssetFacts & { filename: string }, onCreated?: OnCreated<Asset>): Promise<Asset> {
    const { id, fileType, size, sha256 } = upload;
    return this.#create({ ...facts, id, method: 'direct', fileType, size, sha256 }, onCreated);
  }

  /**
   * Creates an asset from a URL after a check of its first bytes. @throws source_unreachable, source_not_media or
   * video_filesize_too_large
   */
  async createFromUrl(url: URL, facts: AssetFacts, onCreated?: OnCreated<Asset>): Promise<Asset> {
    const { head } = await this.#deps.urls.check(url, { maxBytes: this.#deps.maxUrlBytes, field: 'url' });
    const fileType = requireMediaOrImage(head, {
      subject: `The source at ${url.host}`,
      details: { field: 'url', host: url.host },
    });
    const filename = facts.filename ?? filenameOf(url);
    const asset = { ...facts, id: newId(), method: 'url', filename, fileType, sourceUrl: url.href } as const;
    return this.#create(asset, onCreated);
  }

  /** @throws resource_not_exist */
  async get(id: string, owner: string): Promise<Asset> {
    const asset = await this.#deps.assets.get(id, owner);
    if (!asset) throw notFound(id);
    return asset;
  }

  /**
   * Waits for an asset that was just uploaded. @returns it once `ready` or `failed` or after the timeout; undefined if
   * deleted
   */
  settled(id: string, owner: string, signal: AbortSignal): Promise<Asset | undefined> {
    const { assets, uploadWaitMs: waitMs = UPLOAD_WAIT_MS } = this.#deps;
    return settledAsset(assets, { id, owner }, { waitMs, signal });
  }

  /** Streams the thumbnail of an asset, a JPEG file. The stream fails with `BlobNotFound` if there is none. */
  thumbnail(id: string): Readable {
    return this.#deps.blobs.read(thumbnailKey(id));
  }

  /** Assets of an owner, newest first. */
  list(owner: string, filter: AssetFilter, page: Page) {
    return this.#deps.assets.list(owner, filter, page);
  }

  /** Changes the custom fields of an asset. @throws resource_not_exist */
  async changeUserMetadata(id: string, owner: string, change: (now: UserMetadata) => UserMetadata): Promise<void> {
    if (!(await this.#deps.assets.changeUserMetadata(id, owner, change))) throw notFound(id);
  }

  /**
   * Deletes an asset, and its media unless another asset shares it.
   * @param options.force fails the unfinished tasks of the asset
   * @throws resource_not_exist; conflict if it has unfinished tasks, without `force`
   */
  async delete(id: string, owner: string, { force }: { force: boolean }): Promise<void> {
    const { assets, dedupedMedia, users } = this.#deps;
    const { contentId } = await this.get(id, owner);
    const taskIds = await users.tasksUsing(id);
    if (taskIds.length > 0 && !force) throw inUse(id, taskIds);
    if (!(await assets.delete(id, owner))) throw notFound(id);
    for (const taskId of taskIds) await users.fail(taskId, deletedUnderTask(id));
    await dedupedMedia.release(contentId);
    await dedupedMedia.clear(id);
  }

  async #create(asset: NewAsset, onCreated: OnCreated<Asset> | undefined): Promise<Asset> {
    const { assets, quotas } = this.#deps;
    const created = await assets.create(asset, async (transaction, created) => {
      await quotas.admitBytes(transaction, asset.owner);
      await onCreated?.(transaction, created);
    });
    try {
      await this.#deps.start(created.id);
    } catch (error) {
      // The row is committed, so the request must not fail: maintenance starts an asset without a run.
      this.#deps.log.error({ err: error, assetId: created.id }, 'asset not started');
    }
    return created;
  }
}

function notFound(id: string): ReelvecError {
  return new ReelvecError('resource_not_exist', `There is no asset ${id} in the collection assets.`, {
    details: { id, collection: 'assets' },
  });
}

function inUse(id: string, taskIds: readonly string[]): ReelvecError {
  const [first, ...others] = taskIds;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  return new ReelvecError(
    'conflict',
    `The asset ${id} is being used by the task ${first}${more}. Wait until it is done, or delete with force=true: the task will fail.`,
    { details: { id, tasks: taskIds.slice(0, 50) } },
  );
}

function deletedUnderTask(id: string) {
  return {
    code: 'resource_not_exist',
    message: `The asset ${id} was deleted, with force, while the task was using it.`,
  } as const;
}
