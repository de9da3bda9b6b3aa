import type { Readable } from 'node:stream';

/**
 * Where bytes live: media, chunk blocks, results. Keys are slash-separated names (`tasks/ID/result.arrow`) of
 * lower-case letters, digits, `.`, `_` and `-`; a name may not start with a dot.
 */
export interface BlobStore {
  /**
   * Writes a whole blob or nothing: on any error, abort included, the key is as it was before. What is there when the
   * promise resolves survives a power cut. An existing blob is replaced.
   * @returns size in bytes and SHA-256 in lower-case hex
   */
  write(
    key: string,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    options?: { signal?: AbortSignal },
  ): Promise<{ size: number; sha256: string }>;
  /** Streams a blob, or the bytes `start` to `end` (both included) of it. A missing key errors with `BlobNotFound`. */
  read(key: string, range?: { start: number; end?: number }): Readable;
  /** Size in bytes and the place where a media worker finds the blob; undefined when there is none. */
  stat(key: string): Promise<{ size: number; path: string } | undefined>;
  /** Every key below a prefix that ends in `/`, or every key for the empty prefix. */
  list(prefix: string): AsyncIterable<string>;
  /** Removes a blob, or everything below a prefix that ends in `/`. Removing what is not there is no error. */
  remove(keyOrPrefix: string): Promise<void>;
}

export class BlobNotFound extends Error {
  constructor(key: string) {
    super(`No blob ${key}.`);
    this.name = 'BlobNotFound';
  }
}
