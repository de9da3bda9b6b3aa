import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { addAbortSignal } from 'node:stream';
import type { BlobStore } from './store.ts';

/** Bytes per read of a local file. */
const BLOCK_BYTES = 1024 ** 2;

/** SHA-256 of a blob (lower-case hex), computed from its full content. */
export function sha256OfBlob(blobs: BlobStore, key: string, signal?: AbortSignal): Promise<string> {
  // A local file is read in large blocks: streams deliver small pieces, each in a buffer of its own.
  return blobs.use(key, (location) =>
    isAbsolute(location) ? hashFile(location, signal) : hashStream(blobs, key, signal),
  );
}

async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await using file = await open(path);
  let [block, next] = [Buffer.allocUnsafeSlow(BLOCK_BYTES), Buffer.allocUnsafeSlow(BLOCK_BYTES)];
  let reading = file.read(block);
  for (;;) {
    const { bytesRead } = await reading;
    signal?.throwIfAborted();
    if (bytesRead === 0) return hash.digest('hex');
    // Double buffering: the next read overlaps the hashing.
    reading = file.read(next);
    hash.update(block.subarray(0, bytesRead));
    [block, next] = [next, block];
  }
}

async function hashStream(blobs: BlobStore, key: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const content = blobs.read(key);
  for await (const bytes of signal ? addAbortSignal(signal, content) : content) hash.update(bytes);
  return hash.digest('hex');
}
