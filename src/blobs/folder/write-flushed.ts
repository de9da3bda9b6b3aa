import { open } from 'node:fs/promises';
import { CachedWrites, MOST_PIECES } from './cached-writes.ts';
import { DirectBlocks } from './direct-blocks.ts';
import { eachPiece } from './each-piece.ts';
import { freeBuffers } from './free-buffers.ts';

/** Content of so many bytes is large. */
const LARGE_BYTES = 512 * 1024;

interface WriteOptions {
  readonly flags?: 'wx' | 'r+';
  readonly position?: number;
  readonly onPiece?: (piece: Uint8Array) => void;
  readonly signal?: AbortSignal;
}

/**
 * Writes content into a file as it comes. When the promise resolves, it survives a power cut.
 * @param options.flags of the file: made anew by default
 * @param options.position of the first byte in the file; default 0
 * @param content a stream that is not read to its end, because writing failed, is left for the caller to end
 * @param options.onPiece gets each piece before it is written; what it throws ends the writing
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
    return head.push(piece) === MOST_PIECES || size >= LARGE_BYTES ? begin(size >= LARGE_BYTES) : undefined;
  };
  await eachPiece(content, take, signal);
  if (!writer) await begin(false);
  await writer!.end();
  await file.datasync();
  return { size };
}
