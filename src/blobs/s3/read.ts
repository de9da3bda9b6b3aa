import { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { type Content, download } from '../../http/download.ts';
import { HttpFailure, toHttpFailure } from '../../http/failure.ts';
import { BlobNotFound } from '../store.ts';
import { isNoSuchKey, isOutOfRange } from './client.ts';

/** Consecutive attempts without a received byte before the read fails. */
const MAX_ATTEMPTS = 4;

export interface ReadOptions {
  readonly bucket: string;
  /** Object name. */
  readonly name: string;
  /** Blob key for error messages. */
  readonly key: string;
  /** First and last byte, both inclusive; to the end without `end`. */
  readonly range?: { start: number; end?: number };
  /** Restricts the read to this version. */
  readonly etag?: string;
}

/**
 * Streams an object or a range of it. The SDK signs and retries each request; a transfer that breaks off resumes in the
 * same version.
 */
export function readObject(client: S3Client, options: ReadOptions): Readable {
  const closed = new AbortController();
  const stream = Readable.from(bytesOf(client, options, closed.signal), { objectMode: false });
  // Aborts before the stream waits for the generator, which may be waiting for a response.
  const { _destroy: destroy } = stream;
  stream._destroy = (error, done) => {
    closed.abort();
    destroy.call(stream, error, done);
  };
  return stream;
}

async function* bytesOf(client: S3Client, options: ReadOptions, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { bucket: Bucket, name: Key, key, range, etag } = options;
  const open = async (at: number, IfMatch = etag): Promise<Content> => {
    const Range = range || at > 0 ? `bytes=${at}-${range?.end ?? ''}` : undefined;
    try {
      const request = new GetObjectCommand({ Bucket, Key, IfMatch, Range });
      const { Body, ETag, ContentLength } = await client.send(request, { abortSignal: signal });
      const body = Body as Readable;
      const end = ContentLength === undefined ? undefined : at + ContentLength;
      return { body, end, version: ETag, [Symbol.dispose]: () => void body.destroy() };
    } catch (error) {
      if (isNoSuchKey(error)) throw new BlobNotFound(key);
      // A range that begins at or behind the end is empty, as in a file.
      if (isOutOfRange(error)) return { body: [], [Symbol.dispose]: () => {} };
      // The SDK has already retried temporary errors of the store.
      throw error instanceof S3ServiceException ? error : toHttpFailure(error);
    }
  };
  try {
    yield* download(open, { from: range?.start, maxFailures: MAX_ATTEMPTS, retryDelayMs: 0, signal });
  } catch (error) {
    // The original error, by which callers recognise an outage.
    throw error instanceof HttpFailure ? (error.cause ?? error) : error;
  }
}
