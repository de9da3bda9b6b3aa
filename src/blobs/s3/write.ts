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

/** All of a size, which some stores demand; 10,000 of them, the most that S3 takes, are 78 GiB. Bytes. */
const PART_BYTES = 8 * 1024 ** 2;
/** Parts on their way at a time, beside the one that is being filled: so much memory an upload takes. */
const PARTS_UNDER_WAY = 2;

interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

/**
 * Writes an object, whole or not at all: one request for a small one, a multipart upload for any other.
 *
 * The SDK's own `Upload` is not used: when a part fails it goes on reading and sending the rest, and an abort that
 * comes while the only request of a small object is under way leaves that object written.
 * @returns size in bytes and SHA-256 in lower-case hex
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
    /** Aborted by the first part that fails, which ends the wait for more content. */
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
      if (sending.size >= PARTS_UNDER_WAY) await Promise.race(sending);
      signal.throwIfAborted();
      block = await next();
      // Content of whole parts ends in an empty one.
      if (block?.length === 0) block = undefined;
    }
    await Promise.all(sending);
    signal.throwIfAborted();
    const command = new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts: parts } });
    await client.send(command, { abortSignal: signal });
  } catch (error) {
    await Promise.all(sending);
    // What cannot be taken back now, the sweep does later: the first error is the one to tell.
    await client.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => {});
    throw error;
  }
}
