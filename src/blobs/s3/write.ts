import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { WriteOptions } from '../store.ts';
import { untilAborted } from '../until-aborted.ts';
import { inBlocks } from './in-blocks.ts';

/**
 * Size of all parts but the last; some stores require equal sizes. 10 000 parts, the limit of S3, hold 78 GiB. Bytes.
 */
const PART_BYTES = 8 * 1024 ** 2;
/** Concurrent part requests, beside the part being filled. Bounds the memory of a write. */
const CONCURRENT_PARTS = 2;

interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

/**
 * Writes an object atomically: a single PUT for small content, a multipart upload otherwise.
 * The SDK's own `Upload` is not used: after a failed part it goes on reading and sending the rest, and an abort during
 * the only request of a small object leaves that object written.
 * @returns size in bytes and SHA-256 (lower-case hex)
 */
export async function writeObject(
  client: S3Client,
  place: Place,
  content: AsyncIterable<Uint8Array> | Uint8Array,
  { signal, onPiece = () => {} }: WriteOptions = {},
): Promise<{ size: number; sha256: string }> {
  signal?.throwIfAborted();
  const hash = createHash('sha256');
  let size = 0;
  const failed = new AbortController();
  const either = AbortSignal.any([failed.signal, ...(signal ? [signal] : [])]);
  const pieces = content instanceof Uint8Array ? [content] : untilAborted(content, either);
  const blocks = inBlocks(inspected(pieces, onPiece), PART_BYTES);
  const next = async () => {
    const { value, done } = await blocks.next();
    if (done) return undefined;
    hash.update(value);
    size += value.length;
    return value;
  };
  try {
    const first = (await next()) ?? new Uint8Array();
    if (first.length < PART_BYTES) {
      await client.send(new PutObjectCommand({ ...place, Body: first }), { abortSignal: signal });
    } else {
      await writeParts(client, { place, first, next, failed, signal: either });
    }
  } catch (error) {
    await blocks.return(undefined);
    signal?.throwIfAborted();
    throw error;
  }
  return { size, sha256: hash.digest('hex') };
}

async function* inspected(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  onPiece: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    onPiece(piece);
    yield piece;
  }
}

async function writeParts(
  client: S3Client,
  upload: {
    place: Place;
    first: Uint8Array;
    next: () => Promise<Uint8Array | undefined>;
    /** Aborted by the first failed part, which ends the wait for more content. */
    failed: AbortController;
    signal: AbortSignal;
  },
): Promise<void> {
  const { place, next, failed, signal } = upload;
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(place), { abortSignal: signal });
  const sending = new Set<Promise<void>>();
  const parts: { PartNumber: number; ETag: string | undefined }[] = [];
  const send = async (PartNumber: number, Body: Uint8Array) => {
    const command = new UploadPartCommand({ ...place, UploadId, PartNumber, Body });
    const { ETag } = await client.send(command, { abortSignal: signal });
    parts[PartNumber - 1] = { PartNumber, ETag };
  };
  try {
    let block: Uint8Array | undefined = upload.first;
    for (let number = 1; block !== undefined; number++) {
      const part: Promise<void> = send(number, block)
        .catch((error) => failed.abort(error))
        .finally(() => sending.delete(part));
      sending.add(part);
      if (sending.size >= CONCURRENT_PARTS) await Promise.race(sending);
      signal.throwIfAborted();
      block = await next();
      // Content of whole parts ends with an empty block.
      if (block?.length === 0) block = undefined;
    }
    await Promise.all(sending);
    signal.throwIfAborted();
    const command = new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts: parts } });
    await client.send(command, { abortSignal: signal });
  } catch (error) {
    await Promise.all(sending);
    // A failed abort is left to the sweep, so that the first error is the one reported.
    await client.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => {});
    throw error;
  }
}
