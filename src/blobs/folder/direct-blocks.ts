import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Bytes per write. */
const BLOCK_BYTES = 1024 ** 2;
/** Blocks of all writers together, of 1 MiB each. */
const MAX_BLOCKS = 48;
/** Blocks per writer, at least: one being filled, two being written. */
const MIN_BLOCKS_PER_WRITER = 3;
/** Blocks per writer, at most: enough that a short pause of the disk does not stop the sender. */
const MAX_BLOCKS_PER_WRITER = 5;
/** Free blocks kept for reuse: enough for the concurrent chunk uploads of one client. */
const MAX_SPARE_BLOCKS = 5 * MAX_BLOCKS_PER_WRITER;
/** Alignment of offsets and buffers for direct I/O, in bytes: accepted by any disk. */
const ALIGNMENT_BYTES = 4096;

let writers = 0;
const spare: Buffer[] = [];

/** Blocks that each writer may have, by the current number of writers. */
function blocksPerWriter(): number {
  return Math.min(MAX_BLOCKS_PER_WRITER, Math.floor(MAX_BLOCKS / writers));
}

/**
 * Writes large content past the page cache (O_DIRECT): the disk works from the first megabyte on instead of at the end,
 * and the cache is left to readers. Costs half of the processor time of cached writes.
 */
export class DirectBlocks implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #direct: FileHandle;
  readonly #free: Buffer[] = [];
  readonly #writing = new Set<Promise<void>>();
  /** Either of the two file handles. */
  #out: FileHandle;
  #block: Buffer;
  /** Blocks of this writer: being filled, free or being written. */
  #blocks = 1;
  #filled = 0;
  #position: number;
  #failure: { error: unknown } | undefined;

  private constructor(file: FileHandle, direct: FileHandle, position: number) {
    this.#file = file;
    this.#direct = direct;
    this.#out = direct;
    this.#position = position;
    this.#block = takeBlock();
  }

  /**
   * @param file handle of the path for the unaligned rest; stays owned by the caller
   * @returns undefined if the file system or operating system does not support direct I/O, or too many writers use it
   */
  static async open(path: string, file: FileHandle, position: number): Promise<DirectBlocks | undefined> {
    // Absent on some systems, such as macOS.
    const flag: number | undefined = constants.O_DIRECT;
    if (flag === undefined || position % ALIGNMENT_BYTES !== 0 || (writers + 1) * MIN_BLOCKS_PER_WRITER > MAX_BLOCKS)
      return undefined;
    // Counted before the await, because other writers may open meanwhile.
    writers++;
    try {
      return new DirectBlocks(file, await open(path, constants.O_WRONLY | flag), position);
    } catch (error) {
      writers--;
      if ((error as NodeJS.ErrnoException).code === 'EINVAL') return undefined;
      throw error;
    }
  }

  /** @returns a promise to await before the next piece, if any */
  write(piece: Uint8Array): Promise<void> | undefined {
    const left = BLOCK_BYTES - this.#filled;
    if (piece.length >= left) return this.#fill(piece, left);
    this.#block.set(piece, this.#filled);
    this.#filled += piece.length;
    return undefined;
  }

  /** Writes the remaining bytes. Does not flush. */
  async end(): Promise<void> {
    await Promise.all(this.#writing);
    this.#throwFailure();
    this.#out = this.#file;
    if (this.#filled > 0) await this.#writeAll(this.#block.subarray(0, this.#filled), this.#position);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#writing);
    await this.#direct.close();
    for (const block of [this.#block, ...this.#free]) giveBack(block);
    writers--;
  }

  async #fill(piece: Uint8Array, left: number): Promise<void> {
    this.#block.set(piece.subarray(0, left), this.#filled);
    await this.#nextBlock();
    await this.write(piece.subarray(left));
  }

  async #nextBlock(): Promise<void> {
    const [block, position] = [this.#block, this.#position];
    this.#position += BLOCK_BYTES;
    this.#filled = 0;
    const writing: Promise<void> = this.#writeAll(block, position)
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#writing.delete(writing);
        this.#done(block);
      });
    this.#writing.add(writing);
    this.#block = await this.#freeBlock();
    this.#throwFailure();
  }

  async #freeBlock(): Promise<Buffer> {
    for (;;) {
      const block = this.#free.pop();
      if (block) return block;
      if (this.#blocks < blocksPerWriter()) {
        this.#blocks++;
        return takeBlock();
      }
      await Promise.race(this.#writing);
    }
  }

  /** Frees a written block, or gives it up if new writers reduced this writer's share. */
  #done(block: Buffer): void {
    if (this.#blocks <= blocksPerWriter()) {
      this.#free.push(block);
    } else {
      this.#blocks--;
      giveBack(block);
    }
  }

  async #writeAll(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const out = this.#out;
      try {
        // A short write happens when the disk fills up: the next write reports the error.
        at += (await out.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
      } catch (error) {
        // The file system requires a larger alignment, or this is the rest of a short write.
        if ((error as NodeJS.ErrnoException).code !== 'EINVAL' || out === this.#file) throw error;
        this.#out = this.#file;
      }
    }
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

function takeBlock(): Buffer {
  return spare.pop() ?? alignedBlock();
}

function giveBack(block: Buffer): void {
  if (spare.length < MAX_SPARE_BLOCKS) spare.push(block);
}

/**
 * Allocates a page-aligned buffer. V8 page-aligns resizable array buffers only, and direct I/O requires an aligned
 * address.
 */
function alignedBlock(): Buffer {
  return Buffer.from(new ArrayBuffer(BLOCK_BYTES, { maxByteLength: BLOCK_BYTES }), 0, BLOCK_BYTES);
}
