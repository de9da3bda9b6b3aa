import { noSuchAsset, usableAsset } from '../assets/ready.ts';
import type { AssetRepository } from '../assets/repository.ts';
import type { BlobStore } from '../blobs/store.ts';
import { newId } from '../database/ids.ts';
import type { OnCreated } from '../database/open.ts';
import { isForeignKeyViolation } from '../database/open.ts';
import type { TimeRange } from '../domain/time-range.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import { ofKind, ReelvecError } from '../errors.ts';
import type { MediaInfo } from '../media/info.ts';
import type { Logger } from '../observe/logger.ts';
import { limitsTasks, type QuotaLimits, type Quotas } from '../quotas/quotas.ts';
import { decodeBase64 } from '../sources/base64.ts';
import { HEAD_BYTES, requireMedia } from '../sources/sniff.ts';
import { filenameOf, parseSourceUrl } from '../sources/url.ts';
import type { UrlGuard } from '../sources/url-guard.ts';
import { bundleId } from './embedding.ts';
import { checkLimits, type Limits } from './limits.ts';
import type { Task, TaskRepository } from './repository.ts';
import type { TaskRequest } from './request.ts';
import { sourceKey } from './work.ts';

/** Time that `createTask` waits for an asset in preparation, before the task itself waits for it. Milliseconds. */
const ASSET_WAIT_MS = 5000;

export interface CreateTaskDeps {
  readonly tasks: TaskRepository;
  readonly blobs: BlobStore;
  readonly urls: Pick<UrlGuard, 'check'>;
  readonly assets: Pick<AssetRepository, 'get'>;
  /** Maximum wait for an asset in preparation, in milliseconds; default: 5000. */
  readonly assetWaitMs?: number;
  /** Probes a file in a media worker. Rejects with a ReelvecError for invalid media. */
  readonly probe: (path: string, signal?: AbortSignal) => Promise<MediaInfo>;
  readonly limits: Limits;
  readonly quotas: Quotas;
  readonly bundle: BundleInfo;
  /** Starts the durable run of a task. */
  readonly start: (task: Task) => Promise<void>;
  readonly log: Logger;
}

export interface NewTask {
  readonly owner: string;
  /** Quota of the owner. */
  readonly quota: QuotaLimits;
  readonly request: TaskRequest;
  /** Base64 text of the media, if `request.source` is base64. */
  readonly base64?: string;
  /** Stored file, if `request.source` is an upload. */
  readonly upload?: TaskUpload;
}

/** File that is stored for a task that does not exist yet. */
export interface TaskUpload {
  /** Becomes the id of the task. */
  readonly id: string;
  readonly filename: string;
}

/**
 * Stores the file of a new task as it arrives; `createTask` or `discardUpload` must follow.
 * @param field name of the form field, for the error
 * @throws {ReelvecError} as soon as the limit is exceeded
 */
export async function storeTaskUpload(
  { blobs, limits: { maxVideoBytes: maxBytes } }: Pick<CreateTaskDeps, 'blobs' | 'limits'>,
  content: AsyncIterable<Uint8Array>,
  field: string,
): Promise<{ id: string }> {
  const id = newId();
  let seen = 0;
  const onPiece = (piece: Uint8Array) => {
    seen += piece.length;
    if (seen <= maxBytes) return;
    throw new ReelvecError(
      'video_filesize_too_large',
      `${field} is larger than the ${maxBytes} bytes that a video may have. Encode it smaller, or cut it into parts.`,
      { details: { field, max_bytes: maxBytes } },
    );
  };
  await blobs.write(sourceKey(id), content, { onPiece });
  return { id };
}

export async function discardUpload({ blobs }: Pick<CreateTaskDeps, 'blobs'>, { id }: { id: string }): Promise<void> {
  await blobs.remove(`tasks/${id}/`);
}

/**
 * Creates a task: validates the source as far as it is available, inserts the row and starts the run.
 * @throws {ReelvecError} for an unusable source, of which nothing is kept
 */
export async function createTask(
  deps: CreateTaskDeps,
  { owner, quota, request, base64, upload }: NewTask,
  { signal, onCreated }: { signal?: AbortSignal; onCreated?: OnCreated<Task> } = {},
): Promise<Task> {
  const id = upload?.id ?? newId();
  const { source } = request;
  let facts: SourceFacts = {};
  let task: Task;
  try {
    if (source.kind === 'url') facts = await inspectUrl(deps, request, source.url, signal);
    if (source.kind === 'asset') facts = await inspectAsset(deps, request, { id: source.assetId, owner }, signal);
    if (source.kind === 'base64') facts = await storeBase64(deps, request, { id, base64: base64! }, signal);
    if (source.kind === 'upload') facts = await inspectUpload(deps, request, upload!, signal);
    signal?.throwIfAborted();
    const { filename, mediaSec, contentId } = facts;
    const row = { id, owner, request: { ...request, filename }, bundle: bundleId(deps.bundle), contentId };
    const admit: OnCreated<Task> = async (transaction, created) => {
      await deps.quotas.admitTask(transaction, { id, owner, mediaSec }, quota);
      await onCreated?.(transaction, created);
    };
    task = await deps.tasks.create(row, limitsTasks(quota) ? admit : onCreated);
  } catch (error) {
    if (source.kind === 'base64' || source.kind === 'upload') await discardUpload(deps, { id });
    // The asset was deleted after the check.
    if (source.kind === 'asset' && isForeignKeyViolation(error)) {
      throw noSuchAsset(source.assetId, { field: `${request.inputType}.media_source.asset_id` });
    }
    throw ofKind(error, request.inputType);
  }
  // Not awaited: the row is what the client is promised. The next maintenance starts a task without a run.
  deps.start(task).catch((error) => deps.log.error({ err: error, taskId: id }, 'task not started'));
  return task;
}

/** Facts about a source that are known before the task is created. */
interface SourceFacts {
  readonly filename?: string;
  /** Seconds to be embedded. */
  readonly mediaSec?: number;
  /** Content of the asset. */
  readonly contentId?: string;
}

async function inspectUrl(
  deps: CreateTaskDeps,
  request: TaskRequest,
  text: string,
  signal?: AbortSignal,
): Promise<SourceFacts> {
  const field = `${request.inputType}.media_source.url`;
  const url = parseSourceUrl(text, { field });
  const { maxAudioBytes, maxVideoBytes } = deps.limits;
  const maxBytes = request.inputType === 'audio' ? maxAudioBytes : maxVideoBytes;
  const { head } = await deps.urls.check(url, { maxBytes, field, signal });
  requireMedia(head, { subject: `The source at ${url.host}`, details: { field, host: url.host } });
  return { filename: filenameOf(url) };
}

/** Checks an asset. If it is not ready in time, only its name is known and the task waits for it. */
async function inspectAsset(
  { assets, limits, assetWaitMs: waitMs = ASSET_WAIT_MS }: CreateTaskDeps,
  request: TaskRequest,
  { id, owner }: { id: string; owner: string },
  signal?: AbortSignal,
): Promise<SourceFacts> {
  const field = `${request.inputType}.media_source.asset_id`;
  const asset = await usableAsset(assets, { field, id, owner }, { waitMs, signal });
  const range = asset.media && checkLimits(asset.media, request, limits);
  return { filename: asset.filename, mediaSec: range && lengthOf(range), contentId: asset.contentId };
}

async function storeBase64(
  { blobs, probe, limits }: CreateTaskDeps,
  request: TaskRequest,
  { id, base64 }: { id: string; base64: string },
  signal?: AbortSignal,
): Promise<SourceFacts> {
  const field = `${request.inputType}.media_source.base64_string`;
  const bytes = decodeBase64(base64, { field });
  requireMedia(bytes, { subject: `The content of ${field}`, details: { field } });
  await blobs.write(sourceKey(id), bytes, { signal });
  return { mediaSec: await storedMediaSec({ blobs, probe, limits }, request, id, signal) };
}

async function inspectUpload(
  deps: CreateTaskDeps,
  request: TaskRequest,
  { id, filename }: TaskUpload,
  signal?: AbortSignal,
): Promise<SourceFacts> {
  const head = deps.blobs.read(sourceKey(id), { start: 0, end: HEAD_BYTES - 1 });
  const details = { field: `${request.inputType}.media_source` };
  requireMedia(Buffer.concat(await head.toArray()), { subject: 'The file', details });
  return { filename, mediaSec: await storedMediaSec(deps, request, id, signal) };
}

/** Probes the task's own blob. @returns seconds to be embedded */
async function storedMediaSec(
  { blobs, probe, limits }: Pick<CreateTaskDeps, 'blobs' | 'probe' | 'limits'>,
  request: TaskRequest,
  id: string,
  signal?: AbortSignal,
): Promise<number> {
  const media = await blobs.use(sourceKey(id), (path) => probe(path, signal));
  return lengthOf(checkLimits(media, request, limits));
}

function lengthOf({ startSec, endSec }: TimeRange): number {
  return endSec - startSec;
}
