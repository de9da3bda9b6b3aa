import { type Part, PartSizeError, type UploadStore } from '../../blobs/uploads.ts';
import { newId } from '../../database/ids.ts';
import type { OnCreated } from '../../database/open.ts';
import type { Page } from '../../database/page.ts';
import type { MediaKind } from '../../domain/media-kind.ts';
import { ReelvecError } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Quotas } from '../../quotas/quotas.ts';
import { assetKey } from '../blobs.ts';
import { checkPlan, checkProof, type ReportedChunk } from './reported-chunk.ts';
import type { UploadRepository } from './repository.ts';
import { SingleWriter } from './single-writer.ts';
import {
  type AssetOptions,
  chunkCount,
  chunkSizeFor,
  type MultipartUpload,
  partialBlob,
  type StoredChunk,
} from './upload.ts';

const HOUR_MS = 3_600_000;
/** Lifetime of an upload. Milliseconds. */
const UPLOAD_LIFETIME_MS = 24 * HOUR_MS;
/** Maximum validity of a signed chunk URL. Milliseconds. */
const URL_LIFETIME_MS = HOUR_MS;
/** Time for which an ended upload can still be queried. Milliseconds. */
const ENDED_UPLOAD_RETENTION_MS = 7 * 24 * HOUR_MS;

export interface MultipartDeps {
  readonly uploads: UploadRepository;
  readonly store: UploadStore;
  readonly quotas: Quotas;
  /** Maximum bytes of a file, by type. */
  readonly maxBytes: Readonly<Record<MediaKind, number>>;
  /** Starts the durable run that prepares an asset. */
  readonly start: (assetId: string) => Promise<void>;
  readonly log: Logger;
}

export interface NewUploadSession {
  readonly owner: string;
  readonly filename: string;
  readonly type: MediaKind;
  readonly totalSize: number;
  readonly assetOptions: AssetOptions;
}

/** Upload target of a chunk. */
export interface ChunkTarget {
  readonly number: number;
  /** Absolute URL of the store; undefined if the chunk is uploaded through this server. */
  readonly url?: string;
  readonly expiresAt: Date;
}

/** Multipart uploads, from the session to the asset. An owner can access only their own uploads. */
export class MultipartUploads {
  readonly #deps: MultipartDeps;
  readonly #writers = new SingleWriter<Part>();

  constructor(deps: MultipartDeps) {
    this.#deps = deps;
  }

  /** @throws video_filesize_too_large, usage_limit_exceeded */
  async create(
    { owner, filename, type, totalSize, assetOptions }: NewUploadSession,
    onCreated?: OnCreated<MultipartUpload>,
  ): Promise<MultipartUpload> {
    const { uploads, store, quotas, maxBytes } = this.#deps;
    if (totalSize > maxBytes[type]) {
      throw new ReelvecError(
        `${type}_filesize_too_large`,
        `total_size is ${totalSize}; a file of type ${type} may have ${maxBytes[type]} bytes.`,
        { details: { field: 'total_size', value: totalSize, max_bytes: maxBytes[type] } },
      );
    }
    const [id, assetId, chunkSize] = [newId(), newId(), chunkSizeFor(totalSize)];
    const expiresAt = new Date(Date.now() + UPLOAD_LIFETIME_MS).toISOString();
    // The row is inserted first, so that the upload in the store always has a row that expires.
    const row = { id, owner, assetId, filename, type, totalSize, chunkSize, assetOptions, expiresAt };
    await uploads.create(row, (transaction) => quotas.admitBytes(transaction, owner));
    try {
      const opened = await store.begin(assetKey(assetId), { size: totalSize, partSize: chunkSize });
      return await uploads.setStoreId(id, opened.id, onCreated);
    } catch (error) {
      await uploads.delete(id);
      throw error;
    }
  }

  /** @throws resource_not_exist */
  async get(id: string, owner: string): Promise<MultipartUpload> {
    const upload = await this.#deps.uploads.get(id, owner);
    if (!upload) throw notFound(id);
    return upload;
  }

  /** Active uploads of an owner, newest first. */
  listActive(owner: string, page: Page) {
    return this.#deps.uploads.listActive(owner, page);
  }

  /** A page of all chunks, stored or not, and the progress of the upload. */
  async chunks(upload: MultipartUpload, { limit, offset }: Page) {
    const total = chunkCount(upload);
    const numbers = Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_, i) => offset + i + 1);
    const stored = numbers.length > 0 ? await this.#deps.uploads.chunks(upload.id, numbers) : [];
    const byNumber = new Map<number, StoredChunk>(stored.map((chunk) => [chunk.number, chunk]));
    return {
      chunks: numbers.map((number) => ({ number, stored: byNumber.get(number) })),
      completed: await this.#deps.uploads.completed(upload.id),
      total,
    };
  }

  /**
   * Targets of the incomplete chunks among the `count` chunks from `start`.
   * @throws upload_not_active, parameter_invalid
   */
  async chunkTargets(
    upload: MultipartUpload,
    { start, count }: { start: number; count: number },
  ): Promise<ChunkTarget[]> {
    requireActive(upload);
    const total = chunkCount(upload);
    if (start > total) {
      throw new ReelvecError('parameter_invalid', `start is ${start}, but the upload has ${total} chunks.`, {
        details: { field: 'start', value: start, total_chunks: total },
      });
    }
    const numbers = Array.from({ length: Math.min(count, total - start + 1) }, (_, i) => start + i);
    const done = await this.#deps.uploads.chunks(upload.id, numbers);
    const complete = new Set(done.filter(({ completedAt }) => completedAt).map(({ number }) => number));
    const expiresAt = new Date(Math.min(Date.now() + URL_LIFETIME_MS, Date.parse(upload.expiresAt)));
    const { intake } = this.#deps.store;
    const sign = (number: number) =>
      intake.kind === 'direct'
        ? intake.sign(partialBlob(upload), number, { expiresInSec: (expiresAt.getTime() - Date.now()) / 1000 })
        : undefined;
    return Promise.all(
      numbers
        .filter((number) => !complete.has(number))
        .map(async (number) => ({ number, url: await sign(number), expiresAt })),
    );
  }

  /**
   * Stores a chunk uploaded through this server. It may be sent again until it is reported; the last version counts. Of
   * concurrent requests for a chunk one stores it, and the others get its result.
   * @param options.receivedBytes bytes received so far; undefined while none are awaited
   * @throws resource_not_exist; upload_not_active; forbidden if the chunk is already reported; parameter_invalid for a
   *   wrong length; conflict if the request stalled and a repetition took its place
   */
  async receive(
    { id, number }: { id: string; number: number },
    content: AsyncIterable<Uint8Array>,
    { signal, receivedBytes }: { signal: AbortSignal; receivedBytes: () => number | undefined },
  ): Promise<Part> {
    try {
      return await this.#writers.run(`${id}/${number}`, {
        write: (replaced) => this.#write({ id, number }, content, { signal, replaced }),
        discard: (part) => discard(content, part),
        receivedBytes,
      });
    } catch (error) {
      if (!(error instanceof PartSizeError)) throw error;
      throw new ReelvecError('parameter_invalid', `${error.message} Send chunk ${number} whole.`, {
        details: { field: 'chunk', chunk_index: number, expected_bytes: error.expected },
        cause: error,
      });
    }
  }

  /**
   * Verifies the client's report of sent chunks and completes all of them or none. The last chunk turns the upload into
   * an asset.
   * @throws parameter_invalid that names the chunk; upload_not_active; resource_not_exist
   */
  async report(upload: MultipartUpload, reported: readonly ReportedChunk[]) {
    const { uploads } = this.#deps;
    for (const [i, chunk] of reported.entries()) checkPlan(upload, chunk, i);
    const known = await this.#stored(upload, reported);
    const fresh = reported.filter(({ number }) => !known.get(number)?.completedAt);
    if (fresh.length > 0) requireActive(upload);
    for (const chunk of fresh) checkProof(chunk, known.get(chunk.number), reported.indexOf(chunk));
    const etags = new Map(fresh.map(({ number }) => [number, known.get(number)!.etag]));
    const processed = await uploads.completeChunks(
      upload.id,
      [...etags].map(([number, etag]) => ({ number, etag })),
    );
    const { chunks: totalCompleted } = await uploads.completed(upload.id);
    const complete = totalCompleted === chunkCount(upload);
    if (complete && upload.status === 'active') await this.#finish(upload);
    return { processed, duplicates: reported.length - processed, totalCompleted, complete };
  }

  /** Ends expired uploads and discards their chunks. */
  async expire(now = new Date()): Promise<void> {
    const { uploads, store, log } = this.#deps;
    for (const { id, assetId } of await uploads.expire(now)) {
      log.info({ uploadId: id }, 'upload expired');
      await store.abort(assetKey(assetId));
    }
    await uploads.deleteEnded(new Date(now.getTime() - ENDED_UPLOAD_RETENTION_MS));
  }

  async #write(
    { id, number }: { id: string; number: number },
    content: AsyncIterable<Uint8Array>,
    { signal, replaced }: { signal: AbortSignal; replaced: AbortSignal },
  ): Promise<Part> {
    const { uploads, store } = this.#deps;
    signal.throwIfAborted();
    const upload = await uploads.get(id);
    if (!upload) throw notFound(id);
    if (upload.status === 'completed' || !(await uploads.deleteChunk(id, number))) throw chunkComplete(number);
    requireActive(upload);
    if (store.intake.kind !== 'server') throw notFound(id);
    try {
      const part = await store.intake.write(partialBlob(upload), number, content, {
        signal: AbortSignal.any([signal, replaced]),
      });
      await uploads.saveChunks(id, [part]);
      return part;
    } catch (error) {
      if (replaced.aborted) throw new ReelvecError('conflict', `Chunk ${number} is being sent again.`);
      throw error;
    }
  }

  async #stored(
    upload: MultipartUpload,
    reported: readonly { number: number }[],
  ): Promise<ReadonlyMap<number, StoredChunk>> {
    const { uploads, store } = this.#deps;
    const numbers = [...new Set(reported.map(({ number }) => number))];
    const byNumber = async () =>
      new Map((await uploads.chunks(upload.id, numbers)).map((chunk) => [chunk.number, chunk]));
    const known = await byNumber();
    if (store.intake.kind === 'server' || upload.status !== 'active') return known;
    // The chunks bypassed this server: the store knows which are there.
    const asked = numbers.filter((number) => !known.get(number)?.completedAt);
    await uploads.saveChunks(upload.id, await store.intake.stored(partialBlob(upload), asked));
    return byNumber();
  }

  async #finish(upload: MultipartUpload): Promise<void> {
    const { uploads, store, start, log } = this.#deps;
    const { id, owner, assetId, filename, type, assetOptions } = upload;
    await store.complete(partialBlob(upload), await uploads.chunks(id));
    const file = { filename, declaredType: type, size: upload.totalSize };
    const asset = { id: assetId, owner, method: 'multipart', ...file, ...assetOptions } as const;
    // Concurrent reports may both find the upload complete; one of them creates the asset.
    if (!(await uploads.finish(id, asset))) return;
    try {
      await start(assetId);
    } catch (error) {
      // The row is committed, so the request must not fail: maintenance starts an asset without a run.
      log.error({ err: error, assetId }, 'asset not started');
    }
  }
}

/** Reads the content of a repetition of a stored part. @throws {PartSizeError} if it has another length */
async function discard(content: AsyncIterable<Uint8Array>, part: Part): Promise<Part> {
  const { number, size: expected } = part;
  let got = 0;
  for await (const { length } of content) {
    got += length;
    if (got > expected) break;
  }
  if (got !== expected) throw new PartSizeError({ number, expected, got });
  return part;
}

function requireActive({ status, expiresAt, id }: MultipartUpload): void {
  if (status === 'active' && Date.parse(expiresAt) > Date.now()) return;
  const reason = status === 'completed' ? 'is complete' : `expired at ${expiresAt}. Start a new one`;
  throw new ReelvecError('upload_not_active', `The upload ${id} ${reason}.`, { details: { id, status } });
}

function chunkComplete(number: number): ReelvecError {
  return new ReelvecError('forbidden', `The URL was used: chunk ${number} is complete.`, {
    details: { chunk_index: number },
  });
}

function notFound(id: string): ReelvecError {
  return new ReelvecError('resource_not_exist', `There is no upload ${id} in the collection multipart-uploads.`, {
    details: { id, collection: 'multipart-uploads' },
  });
}
