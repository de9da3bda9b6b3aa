import { open } from 'node:fs/promises';
import { CachedWrites, MAX_PIECES_PER_WRITE } from './cached-writes.ts';
import { DirectBlocks } from './direct-blocks.ts';
import { forEachPiece } from './for-each-piece.ts';
import { freeBuffers } from './free-buffers.ts';

/** Size from which content bypasses the page cache. Bytes. */
const DIRECT_WRITE_MIN_BYTES = 512 * 1024;

interface WriteOptions {
  readonly flags?: 'wx' | 'r+';
  readonly position?: number;
  readonly onPiece?: (piece: Uint8Array) => void;
  readonly signal?: AbortSignal;
}

/**
 * Writes content to a file as it arrives. The content survives a power cut once the promise resolves.
 * @param content on a failed write a stream is left open; the caller must close it
 * @param options.flags open flags; the default creates a new file
 * @param options.position offset of the first byte in the file; default 0
 * @param options.onPiece receives each piece before it is written; an exception aborts the write
 * @returns size in bytes
 */
export async function writeFlushed(
  path: string,
  content: AsyncIterable<Uint8Array> | readonly Uint8Array[],
  { flags = 'wx', position = 0, onPiece, signal }: WriteOptions = {},
): Promise<{ size: number }> {
  await using file = await open(path, flags);
  await using stack = new AsyncDisposableStack();
  const head: Uint8Array[] = [];
  let writer: DirectBlocks | CachedWrites | undefined;
  let size = 0;
  const begin = async (isLarge: boolean) => {
    const direct = isLarge ? await DirectBlocks.open(path, file, position) : undefined;
    writer = stack.use(direct ?? new CachedWrites(file, position));
    for (const piece of head.splice(0)) await writer.write(piece);
  };
  const take = (piece: Uint8Array) => {
    onPiece?.(piece);
    size += piece.length;
    freeBuffers(piece.length);
    if (writer) return writer.write(piece);
    return head.push(piece) === MAX_PIECES_PER_WRITE || size >= DIRECT_WRITE_MIN_BYTES
      ? begin(size >= DIRECT_WRITE_MIN_BYTES)
      : undefined;
  };
  await forEachPiece(content, take, signal);
  if (!writer) await begin(false);
  await writer!.end();
  await file.datasync();
  return { size };
}
