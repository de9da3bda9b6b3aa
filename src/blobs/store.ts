import type { Readable } from 'node:stream';

/**
 * Storage for media, chunk blocks and results, under slash-separated keys (`tasks/ID/result.arrow`). Each segment of a
 * key consists of lower-case letters, digits, `.`, `_` and `-`, and must not start with a dot.
 */
export interface BlobStore {
  /**
   * Writes a blob atomically and replaces an existing one. On any error, including an abort, the key keeps its previous
   * state. The blob survives a power cut once the promise resolves.
   * @param options.onPiece receives each piece before it is stored; an exception aborts the write
   * @returns size in bytes; also the SHA-256 (lower-case hex) if the store would have to download the blob to compute
   *   it
   */
  write(
    key: string,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    options?: WriteOptions,
  ): Promise<{ size: number; sha256?: string }>;
  /**
   * Streams a blob, or its bytes `start` to `end` (both inclusive). The stream fails with `BlobNotFound` for a missing
   * key. The caller must read the stream to its end or destroy it: until then it holds a file or a connection open.
   */
  read(key: string, range?: { start: number; end?: number }): Readable;
  /** Metadata of a blob; undefined if there is none. */
  stat(key: string): Promise<BlobEntry | undefined>;
  /**
   * Makes a blob readable for another process on this machine, such as FFmpeg in a media worker.
   * @param work receives a location that is valid until its promise settles: a path, or a URL that supports range
   *   requests
   * @throws {BlobNotFound}, or the read error if the blob could not be read during the work. The read error takes
   *   precedence over the result of `work`, because a result made from half a blob is not valid
   */
  use<T>(key: string, work: (location: string) => Promise<T>): Promise<T>;
  /** Lists all blobs under a prefix that ends in `/`; the empty prefix lists every blob. */
  list(prefix: string): AsyncIterable<BlobEntry>;
  /** Removes a blob, or all blobs under a prefix that ends in `/`. A missing blob is not an error. */
  remove(keyOrPrefix: string): Promise<void>;
}

export interface WriteOptions {
  readonly signal?: AbortSignal;
  readonly onPiece?: (piece: Uint8Array) => void;
}

export interface BlobEntry {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Time of the write by the store's clock. */
  readonly modifiedAt: Date;
}

export class BlobNotFound extends Error {
  constructor(key: string) {
    super(`No blob ${key}.`);
    this.name = 'BlobNotFound';
  }
}
