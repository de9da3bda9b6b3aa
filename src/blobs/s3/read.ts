import { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { BlobNotFound } from '../store.ts';
import { isNoSuchKey, isOutOfRange } from './client.ts';

/** How often in a row reading may break off without a byte before it is given up. */
const ATTEMPTS = 4;

export interface ReadOptions {
  readonly bucket: string;
  /** Of the object. */
  readonly name: string;
  /** Of the blob, for the error. */
  readonly key: string;
  /** First and last byte; to the end without the second. */
  readonly range?: { start: number; end?: number };
  /** Reads this version only. */
  readonly etag?: string;
}

/** Streams an object, or a range of it. A transfer that breaks off goes on where it was, in the same version. */
export function readObject(client: S3Client, options: ReadOptions): Readable {
  const closed = new AbortController();
  const stream = Readable.from(bytesOf(client, options, closed.signal), { objectMode: false });
  // Before the stream waits for the generator, which may be waiting for an answer.
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
      // A range that begins at the end or behind it has no bytes, as in a file.
      if (isOutOfRange(error)) return;
      failures = at > before ? 1 : failures + 1;
      if (signal.aborted || failures === ATTEMPTS || isFinal(error)) throw error;
    }
  }
}

/** Refusals are final, the SDK has tried what may pass; a body that breaks off is not one of its errors. */
function isFinal(error: unknown): boolean {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== undefined;
}
