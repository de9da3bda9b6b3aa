import type { AssetType, UserMetadata } from '../repository.ts';

/** A multipart upload: a file that comes in chunks, and becomes an asset when the last one is there. */
export interface MultipartUpload {
  readonly id: string;
  readonly owner: string;
  /** Reserved for the asset that it becomes. */
  readonly assetId: string;
  readonly status: 'active' | 'completed' | 'expired';
  readonly filename: string;
  readonly type: AssetType;
  /** Bytes. */
  readonly totalSize: number;
  readonly chunkSize: number;
  /** The store's name of the upload. */
  readonly storeId: string | undefined;
  readonly assetOptions: AssetOptions;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly expiresAt: string;
}

/** What the asset is to be. */
export interface AssetOptions {
  readonly userMetadata?: UserMetadata;
  readonly hls?: boolean;
  readonly thumbnail?: boolean;
}

/** A chunk that is stored. */
export interface StoredChunk {
  /** From 1. */
  readonly number: number;
  readonly size: number;
  readonly etag: string;
  readonly storedAt: string;
  /** When the client reported it: from then on it does not change. */
  readonly completedAt?: string;
}

const MEBIBYTE = 1024 ** 2;
const LEAST_CHUNK = 8 * MEBIBYTE;
/** Clients hold ten at a time. */
const MOST_CHUNK = 32 * MEBIBYTE;
/** Each costs a request and two flushes of the disk: a gigabyte comes faster in 64 chunks than in 128. */
const GOOD_COUNT = 64;
/** S3 takes ten thousand; fewer make a shorter list of URLs and of states. */
const MOST_CHUNKS = 1000;

/** Bytes of every chunk but the last: whole mebibytes, few enough chunks, and small enough to be held by a client. */
export function chunkSizeFor(totalSize: number): number {
  const inChunks = (count: number) => Math.ceil(totalSize / count / MEBIBYTE) * MEBIBYTE;
  return Math.max(LEAST_CHUNK, Math.min(inChunks(GOOD_COUNT), MOST_CHUNK), inChunks(MOST_CHUNKS));
}

export function chunkCount({ totalSize, chunkSize }: Pick<MultipartUpload, 'totalSize' | 'chunkSize'>): number {
  return Math.ceil(totalSize / chunkSize);
}
