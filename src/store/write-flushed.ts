import { open } from 'node:fs/promises';
import { CachedWrites, MOST_PIECES } from './cached-writes.ts';
import { DirectBlocks } from './direct-blocks.ts';
import { freeBuffers } from './free-buffers.ts';
import { untilAborted } from './until-aborted.ts';

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
  const pieces = Array.isArray(content) ? content : untilAborted(content as AsyncIterable<Uint8Array>, signal);
  const head: Uint8Array[] = [];
  let writer: DirectBlocks | CachedWrites | undefined;
  let size = 0;
  const begin = async (isLarge: boolean) => {
    const direct = isLarge ? await DirectBlocks.open(path, file, position) : undefined;
    writer = stack.use(direct ?? new CachedWrites(file, position));
    for (const piece of head.splice(0)) await writer.write(piece);
    return writer;
  };
  for await (const piece of pieces as AsyncIterable<Uint8Array>) {
    onPiece?.(piece);
    size += piece.length;
    if (writer) await writer.write(piece);
    else if (head.push(piece) === MOST_PIECES || size >= LARGE_BYTES) await begin(size >= LARGE_BYTES);
    freeBuffers(piece.length);
  }
  await (writer ?? (await begin(false))).end();
  await file.datasync();
  return { size };
}
