import type { PartialBlob } from '../../blobs/uploads.ts';
import type { MediaKind } from '../../domain/media-kind.ts';
import { assetKey } from '../blobs.ts';
import type { UserMetadata } from '../repository.ts';

/** Multipart upload: a file that arrives in chunks and becomes an asset with the last one. */
export interface MultipartUpload {
  readonly id: string;
  readonly owner: string;
  /** Reserved id of the asset. */
  readonly assetId: string;
  readonly status: 'active' | 'completed' | 'expired';
  readonly filename: string;
  readonly type: MediaKind;
  /** Bytes. */
  readonly totalSize: number;
  readonly chunkSize: number;
  /** Upload id assigned by the blob store. */
  readonly storeId: string | undefined;
  readonly assetOptions: AssetOptions;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly expiresAt: string;
}

/** Requested properties of the asset. */
export interface AssetOptions {
  readonly userMetadata?: UserMetadata;
  readonly hls?: boolean;
  readonly thumbnail?: boolean;
}

/** Stored chunk of an upload. */
export interface StoredChunk {
  /** From 1. */
  readonly number: number;
  readonly size: number;
  readonly etag: string;
  readonly storedAt: string;
  /** Time of the client's report, after which the chunk does not change. */
  readonly completedAt?: string;
}

const MEBIBYTE = 1024 ** 2;
/** Minimum chunk size. Bytes. */
const MIN_CHUNK_BYTES = 8 * MEBIBYTE;
/** Preferred maximum chunk size, because clients hold ten chunks in memory. Bytes. */
const PREFERRED_MAX_CHUNK_BYTES = 32 * MEBIBYTE;
/**
 * Preferred number of chunks. Each costs a request and two flushes to disk: a gigabyte arrives faster in 64 chunks than
 * in 128.
 */
const PREFERRED_CHUNK_COUNT = 64;
/** Maximum number of chunks. S3 allows 10 000; fewer keep the lists of URLs and states short. */
const MAX_CHUNK_COUNT = 1000;

/** Size of all chunks but the last: whole mebibytes, few chunks, and small enough for the memory of a client. */
export function chunkSizeFor(totalSize: number): number {
  const inChunks = (count: number) => Math.ceil(totalSize / count / MEBIBYTE) * MEBIBYTE;
  return Math.max(
    MIN_CHUNK_BYTES,
    Math.min(inChunks(PREFERRED_CHUNK_COUNT), PREFERRED_MAX_CHUNK_BYTES),
    inChunks(MAX_CHUNK_COUNT),
  );
}

export function chunkCount({ totalSize, chunkSize }: Pick<MultipartUpload, 'totalSize' | 'chunkSize'>): number {
  return Math.ceil(totalSize / chunkSize);
}

/** The upload as its blob store sees it. */
export function partialBlob({ assetId, storeId, totalSize, chunkSize }: MultipartUpload): PartialBlob {
  return { key: assetKey(assetId), id: storeId ?? '', size: totalSize, partSize: chunkSize };
}
