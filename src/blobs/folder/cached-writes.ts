import type { FileHandle } from 'node:fs/promises';

/** Bytes of one write, or a few more. Pieces of a network connection have 64 KB. */
const WRITE_BYTES = 256 * 1024;
/** Pieces of one write, however small: as many as the operating system takes. */
export const MOST_PIECES = 1024;

/** Writes content through the page cache, one write behind what is being received. */
export class CachedWrites implements AsyncDisposable {
  readonly #file: FileHandle;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #position: number;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: FileHandle, position: number) {
    this.#file = file;
    this.#position = position;
  }

  /**
   * The piece is written from where it lies: it must not be changed afterwards.
   * @returns what to wait for before the next piece, if anything
   */
  write(piece: Uint8Array): Promise<void> | undefined {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    return this.#bytes >= WRITE_BYTES || this.#pieces.length === MOST_PIECES ? this.#next() : undefined;
  }

  /** Writes what is left; nothing is flushed yet. */
  async end(): Promise<void> {
    if (this.#bytes > 0) await this.#next();
    await this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever awaited it had the error.
    await this.#writing.catch(() => {});
  }

  async #next(): Promise<void> {
    const [pieces, bytes, position] = [this.#pieces, this.#bytes, this.#position];
    this.#position += bytes;
    this.#pieces = [];
    this.#bytes = 0;
    await this.#writing;
    this.#writing = writeAll(this.#file, pieces, bytes, position);
    // Whoever awaits it next gets the error; until then it must not pass for one that nobody looks at.
    this.#writing.catch(() => {});
  }
}

async function writeAll(file: FileHandle, pieces: Uint8Array[], length: number, position: number): Promise<void> {
  let { bytesWritten: at } = await file.writev(pieces, position);
  if (at === length) return;
  // Short when the disk is filling up: the next one says why.
  const bytes = Buffer.concat(pieces, length);
  while (at < length) at += (await file.write(bytes, at, length - at, position + at)).bytesWritten;
}
