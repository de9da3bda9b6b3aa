/**
 * Multipart uploads: blobs that arrive in parts, in any order and concurrently. Each `BlobStore` has a matching
 * `UploadStore`; a completed upload is an ordinary blob of that store.
 */
export interface UploadStore {
  /** Opens an upload. Its key cannot be read until `complete`. */
  begin(key: string, plan: PartPlan): Promise<PartialBlob>;
  /** The path that part content takes into the store. */
  readonly intake: PartIntake;
  /**
   * Assembles the parts into a blob, without a copy if the store supports it. All parts must be stored. The blob
   * survives a power cut once the promise resolves. Idempotent: a repeated call finds the blob.
   */
  complete(upload: PartialBlob, parts: readonly Part[]): Promise<{ size: number }>;
  /** Discards the stored parts of an incomplete upload. A missing upload is not an error. */
  abort(key: string): Promise<void>;
  /**
   * Discards uploads without activity for `idleMs` (milliseconds), which crashes leave behind. @returns the number
   * discarded
   */
  sweep(options: { idleMs: number }): Promise<number>;
}

/** Layout of a blob: parts of equal size, except for a shorter last one. */
export interface PartPlan {
  /** Bytes of the whole blob. */
  readonly size: number;
  /** Bytes of each part but the last. S3 requires at least 5 MiB and at most 10 000 parts. */
  readonly partSize: number;
}

export interface PartialBlob extends PartPlan {
  readonly key: string;
  /** Upload id assigned by the store; the caller must save it. */
  readonly id: string;
}

export interface Part {
  /** From 1. */
  readonly number: number;
  /** Bytes. */
  readonly size: number;
  /** Entity tag without quotes. Proves that a part is stored, and differs between contents of the same part number. */
  readonly etag: string;
}

/** Access to part content. A part may be sent again until the upload is complete; the last version counts. */
type PartIntake = DirectIntake | ServerIntake;

/** Clients send parts directly to the store, with URLs signed by this server. */
export interface DirectIntake {
  readonly kind: 'direct';
  /** @returns an absolute URL that accepts a PUT of the part without an API key and answers with its `ETag` */
  sign(upload: PartialBlob, number: number, options: { expiresInSec: number }): Promise<string>;
  /** The stored parts among `numbers`. */
  stored(upload: PartialBlob, numbers: readonly number[]): Promise<Part[]>;
}

/** Parts pass through this server. The caller saves the part that `write` returns. */
export interface ServerIntake {
  readonly kind: 'server';
  /**
   * Stores one part. It survives a power cut once the promise resolves; a previous version of the part is lost from the
   * first byte on. The caller must not overlap writes of one part, nor complete or abort the upload during a write.
   * @param content on failure a stream is left open; the caller must close it
   * @throws {PartSizeError} if the content is longer or shorter than planned
   */
  write(
    upload: PartialBlob,
    number: number,
    content: AsyncIterable<Uint8Array>,
    options?: { signal?: AbortSignal },
  ): Promise<Part>;
}

/** The content of a part differs from the planned length. */
export class PartSizeError extends Error {
  readonly expected: number;

  constructor({ number, expected, got }: { number: number; expected: number; got: number }) {
    super(`Part ${number} has ${got < expected ? `${got} of` : 'more than'} its ${expected} bytes.`);
    this.name = 'PartSizeError';
    this.expected = expected;
  }
}

export function partCount({ size, partSize }: PartPlan): number {
  return Math.ceil(size / partSize);
}

/** Byte offset and length of a part within the blob. */
export function partRange({ size, partSize }: PartPlan, number: number): { start: number; size: number } {
  const start = (number - 1) * partSize;
  return { start, size: Math.min(partSize, size - start) };
}
