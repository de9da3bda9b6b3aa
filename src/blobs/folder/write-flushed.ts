import { open } from 'node:fs/promises';
import { BatchedWriter } from './batched-writer.ts';
import { forEachPiece } from './for-each-piece.ts';

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
  await using writer = new BatchedWriter(file, position);
  let size = 0;
  const take = (piece: Uint8Array) => {
    onPiece?.(piece);
    size += piece.length;
    return writer.write(piece);
  };
  await forEachPiece(content, take, signal);
  await writer.end();
  await file.datasync();
  return { size };
}
