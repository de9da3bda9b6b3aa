/**
 * Blobs that arrive in parts, in any order and several at a time, before they are whole. Every `BlobStore` has an
 * `UploadStore` beside it; a blob that is completed here is one like any other there.
 */
export interface UploadStore {
  /** Opens an upload; nothing can be read at its key before it is complete. */
  begin(key: string, plan: PartPlan): Promise<PartialBlob>;
  /** How the bytes of parts get here. */
  readonly intake: PartIntake;
  /**
   * Makes a blob of the parts, without copying it where the store can. All must be stored. What is there when the
   * promise resolves survives a power cut. Called again after that, it finds the blob made and is no error.
   */
  complete(upload: PartialBlob, parts: readonly Part[]): Promise<{ size: number }>;
  /** Throws away what has arrived for a key and was not completed. What is not there is no error. */
  abort(key: string): Promise<void>;
  /** Throws away uploads that nobody has touched for so long, which a crash made forgotten. @returns how many */
  sweep(options: { idleMs: number }): Promise<number>;
}

/** How a blob is cut: into parts of the same size, but for a shorter last one. */
export interface PartPlan {
  /** Bytes of the whole. */
  readonly size: number;
  /** Bytes of every part but the last. S3 takes at least 5 MiB, and at most 10 000 parts. */
  readonly partSize: number;
}

export interface PartialBlob extends PartPlan {
  readonly key: string;
  /** The store's own name of the upload, to be kept with it. */
  readonly id: string;
}

export interface Part {
  /** From 1. */
  readonly number: number;
  /** Bytes. */
  readonly size: number;
  /** What proves that a part is stored, without quotes, and this one: other content for the same number has another. */
  readonly etag: string;
}

/** Parts may be sent again until the upload is complete; of one number the last one counts. */
export type PartIntake = DirectIntake | ServerIntake;

/** Whoever sends goes straight to the store, with a URL that was signed here. */
export interface DirectIntake {
  readonly kind: 'direct';
  /** @returns an absolute URL that takes a PUT of the part without a key, and answers with its `ETag` */
  sign(upload: PartialBlob, number: number, options: { expiresInSec: number }): Promise<string>;
  /** Those of these parts that are stored. */
  stored(upload: PartialBlob, numbers: readonly number[]): Promise<Part[]>;
}

/** Parts come through this server, which keeps what `write` answers. */
export interface ServerIntake {
  readonly kind: 'server';
  /**
   * Stores one part. What is there when the promise resolves survives a power cut; from the first byte on, what was
   * there of the part before is lost. The caller sees to it that writes of one part do not overlap, and that none is
   * under way when the upload is completed or aborted.
   * @param content a stream that is not read to its end is left for the caller to end
   * @throws {PartSizeError} when it is longer or shorter than planned
   */
  write(
    upload: PartialBlob,
    number: number,
    content: AsyncIterable<Uint8Array>,
    options?: { signal?: AbortSignal },
  ): Promise<Part>;
}

/** A part has another length than its plan says. */
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

/** Where a part lies in the whole, in bytes. */
export function partRange({ size, partSize }: PartPlan, number: number): { start: number; size: number } {
  const start = (number - 1) * partSize;
  return { start, size: Math.min(partSize, size - start) };
}
