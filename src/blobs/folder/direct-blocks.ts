import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Bytes of one write. */
const BLOCK_BYTES = 1024 ** 2;
/** Of all writers together: so many megabytes. */
const MOST_BLOCKS = 48;
/** One that is being filled, and two on their way to the disk. */
const LEAST_EACH = 3;
/** A disk that pauses for a moment does not stop the sender. */
const MOST_EACH = 5;
/** Blocks that are kept for the next: as many as the chunks that a client sends at a time need. */
const SPARE_BLOCKS = 5 * MOST_EACH;
/** What any disk takes. */
const ALIGNMENT = 4096;

let writers = 0;
const spare: Buffer[] = [];

/** Blocks that each writer may have, by how many there are. */
function share(): number {
  return Math.min(MOST_EACH, Math.floor(MOST_BLOCKS / writers));
}

/**
 * Writes large content past the page cache: the disk works from the first megabyte on instead of at the end, and the
 * cache is left to what is read. Costs half of the processor time of writing through the cache.
 */
export class DirectBlocks implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #direct: FileHandle;
  readonly #free: Buffer[] = [];
  readonly #writing = new Set<Promise<void>>();
  /** Either of the two. */
  #out: FileHandle;
  #block: Buffer;
  /** Filled, free or on their way. */
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
   * @param file at the path, for what does not fill a block; stays the caller's
   * @returns undefined where the file system or the system cannot do it, or too many do already
   */
  static async open(path: string, file: FileHandle, position: number): Promise<DirectBlocks | undefined> {
    // Not everywhere: macOS has none.
    const flag: number | undefined = constants.O_DIRECT;
    if (flag === undefined || position % ALIGNMENT !== 0 || (writers + 1) * LEAST_EACH > MOST_BLOCKS) return undefined;
    // Before it is waited for: others come meanwhile.
    writers++;
    try {
      return new DirectBlocks(file, await open(path, constants.O_WRONLY | flag), position);
    } catch (error) {
      writers--;
      if ((error as NodeJS.ErrnoException).code === 'EINVAL') return undefined;
      throw error;
    }
  }

  /** @returns what to wait for before the next piece, if anything */
  write(piece: Uint8Array): Promise<void> | undefined {
    const left = BLOCK_BYTES - this.#filled;
    if (piece.length >= left) return this.#fill(piece, left);
    this.#block.set(piece, this.#filled);
    this.#filled += piece.length;
    return undefined;
  }

  /** Writes what is left; nothing is flushed yet. */
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
      if (this.#blocks < share()) {
        this.#blocks++;
        return takeBlock();
      }
      await Promise.race(this.#writing);
    }
  }

  /** Others may have come meanwhile, who need some too. */
  #done(block: Buffer): void {
    if (this.#blocks <= share()) {
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
        // Short when the disk is filling up: the next one says why.
        at += (await out.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
      } catch (error) {
        // A file system that wants another alignment, or the rest of a short write.
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
  if (spare.length < SPARE_BLOCKS) spare.push(block);
}

/** V8 gives pages of their own to what can be resized, and only to that: the address must be aligned, too. */
function alignedBlock(): Buffer {
  return Buffer.from(new ArrayBuffer(BLOCK_BYTES, { maxByteLength: BLOCK_BYTES }), 0, BLOCK_BYTES);
}
