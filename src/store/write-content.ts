import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { untilAborted } from './until-aborted.ts';

/** Bytes of one write. */
const BLOCK_BYTES = 256 * 1024;

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
  const pieces = Array.isArray(content) ? content : untilAborted(content as AsyncIterable<Uint8Array>, signal);
  const hash = createHash('sha256');
  // Copied together, into the same two blocks again and again: the pieces, which come by the thousand, are garbage at
  // once, and that costs far less than to write them as they are.
  let [block, other]: (Buffer | undefined)[] = [];
  let filled = 0;
  let size = 0;
  let writing: Promise<void> = Promise.resolve();
  const writeBlock = async () => {
    const [bytes, at] = [block!.subarray(0, filled), position + size];
    size += filled;
    filled = 0;
    hash.update(bytes);
    await writing;
    [block, other] = [other ?? Buffer.allocUnsafeSlow(BLOCK_BYTES), block];
    writing = writeAll(file, bytes, at);
    // Whoever awaits it next gets the error; until then it must not pass for one that nobody looks at.
    writing.catch(() => {});
  };
  try {
    for await (const piece of pieces as AsyncIterable<Uint8Array>) {
      for (let at = 0; at < piece.length; ) {
        block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
        const part = piece.subarray(at, at + BLOCK_BYTES - filled);
        block.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled === BLOCK_BYTES) await writeBlock();
      }
    }
    if (filled > 0) await writeBlock();
  } finally {
    await writing;
  }
  return { size, sha256: hash.digest('hex') };
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    // Short when the disk is filling up: the next one says why.
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  }
}
