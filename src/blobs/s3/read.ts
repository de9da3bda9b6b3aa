import { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
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

/** Streams an object or a range of it. An interrupted transfer resumes at its position, in the same version. */
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
  const { bucket, name, key, range } = options;
  let at = range?.start ?? 0;
  let { etag } = options;
  for (let failures = 0; ; ) {
    const before = at;
    try {
      const answer = await client.send(
        new GetObjectCommand({
          Bucket: bucket,
          Key: name,
          IfMatch: etag,
          ...((range || at > 0) && { Range: `bytes=${at}-${range?.end ?? ''}` }),
        }),
        { abortSignal: signal },
      );
      etag ??= answer.ETag;
      for await (const bytes of answer.Body as Readable) {
        at += bytes.length;
        yield bytes;
      }
      return;
    } catch (error) {
      if (isNoSuchKey(error)) throw new BlobNotFound(key);
      // A range that begins at or behind the end is empty, as in a file.
      if (isOutOfRange(error)) return;
      failures = at > before ? 1 : failures + 1;
      if (signal.aborted || failures === MAX_ATTEMPTS || isFinal(error)) throw error;
    }
  }
}

/** True for responses with a status: the SDK has already retried transient ones. An interrupted body has no status. */
function isFinal(error: unknown): boolean {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== undefined;
}
