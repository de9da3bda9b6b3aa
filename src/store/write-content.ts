import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { untilAborted } from './until-aborted.ts';

/** Bytes of one write: content comes from the network in pieces of 64 KB at most. */
const BLOCK_BYTES = 1024 ** 2;

/**
 * Writes content into a file as it comes, one block behind what is being received.
 * @param options.position of the first byte in the file; default 0
 * @returns size in bytes and SHA-256 in lower-case hex; nothing is flushed yet
 */
export async function writeContent(
  file: FileHandle,
  content: AsyncIterable<Uint8Array> | readonly Uint8Array[],
  { position = 0, signal }: { position?: number; signal?: AbortSignal } = {},
): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  let size = 0;
  let block: Uint8Array[] = [];
  let blockSize = 0;
  let writing: Promise<void> = Promise.resolve();
  const writeBlock = async () => {
    const [pieces, at] = [block, position + size - blockSize];
    block = [];
    blockSize = 0;
    await writing;
    writing = writeAll(file, pieces, at);
    // Whoever awaits it next gets the error; until then it must not pass for one that nobody looks at.
    writing.catch(() => {});
  };
  try {
    for await (const bytes of Array.isArray(content)
      ? content
      : untilAborted(content as AsyncIterable<Uint8Array>, signal)) {
      hash.update(bytes);
      block.push(bytes);
      blockSize += bytes.length;
      size += bytes.length;
      if (blockSize >= BLOCK_BYTES) await writeBlock();
    }
    await writeBlock();
  } finally {
    await writing;
  }
  return { size, sha256: hash.digest('hex') };
}

async function writeAll(file: FileHandle, pieces: Uint8Array[], position: number): Promise<void> {
  let left = pieces.filter((piece) => piece.length > 0);
  let at = position;
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left, at);
    at += bytesWritten;
    // Short when the disk is filling up: the next one says why.
    const whole = left.findIndex((piece) => {
      if (piece.length > bytesWritten) return true;
      bytesWritten -= piece.length;
      return false;
    });
    left = whole === -1 ? [] : [left[whole]!.subarray(bytesWritten), ...left.slice(whole + 1)];
  }
}
