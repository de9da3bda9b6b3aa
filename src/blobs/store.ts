import type { Readable } from 'node:stream';

/**
 * Where bytes live: media, chunk blocks, results. Keys are slash-separated names (`tasks/ID/result.arrow`) of
 * lower-case letters, digits, `.`, `_` and `-`; a name may not start with a dot.
 */
export interface BlobStore {
  /**
   * Writes a whole blob or nothing: on any error, abort included, the key is as it was before. What is there when the
   * promise resolves survives a power cut. An existing blob is replaced.
   * @param options.onPiece gets each piece before it is stored; what it throws ends the writing
   * @returns size in bytes; SHA-256, lower-case hex, from a store that would have to fetch the blob again to know it
   */
  write(
    key: string,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    options?: WriteOptions,
  ): Promise<{ size: number; sha256?: string }>;
  /**
   * Streams a blob, or the bytes `start` to `end` (both included) of it. A missing key errors with `BlobNotFound`. The
   * caller reads the stream to its end or destroys it: until then a file or a connection is open.
   */
  read(key: string, range?: { start: number; end?: number }): Readable;
  /** What is known of a blob without reading it; undefined when there is none. */
  stat(key: string): Promise<BlobEntry | undefined>;
  /**
   * Runs work that reads a blob on this machine outside of this process, as FFmpeg in a media worker does.
   * @param work gets a place that holds until its promise settles: a path, or a URL that answers range requests
   * @throws `BlobNotFound`, or why the blob could not be read while the work went on, whatever came of the work: what
   *   was made of half a blob is not to be believed
   */
  use<T>(key: string, work: (location: string) => Promise<T>): Promise<T>;
  /** Every blob below a prefix that ends in `/`, or every blob for the empty prefix. */
  list(prefix: string): AsyncIterable<BlobEntry>;
  /** Removes a blob, or everything below a prefix that ends in `/`. Removing what is not there is no error. */
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
  /** When it was written, by the clock of the store. */
  readonly modifiedAt: Date;
}

export class BlobNotFound extends Error {
  constructor(key: string) {
    super(`No blob ${key}.`);
    this.name = 'BlobNotFound';
  }
}
