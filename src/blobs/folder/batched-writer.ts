import type { FileHandle } from 'node:fs/promises';

/** Size of one write, give or take a piece. Pieces of a network connection have 64 KB. Larger writes are no faster. */
const WRITE_BYTES = 256 * 1024;
/** Pieces of one write: IOV_MAX, the limit of the operating system. */
const MAX_PIECES_PER_WRITE = 1024;

/** Collects pieces into larger writes, and receives the next pieces while the last write is under way. */
export class BatchedWriter implements AsyncDisposable {
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
   * Queues a piece without copying it: the caller must not change it afterwards.
   * @returns a promise to await before the next piece, if any
   */
  write(piece: Uint8Array): Promise<void> | undefined {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    return this.#bytes >= WRITE_BYTES || this.#pieces.length === MAX_PIECES_PER_WRITE ? this.#next() : undefined;
  }

  /** Writes the remaining pieces. Does not flush. */
  async end(): Promise<void> {
    if (this.#bytes > 0) await this.#next();
    await this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The error was already reported to the awaiting caller.
    await this.#writing.catch(() => {});
  }

  async #next(): Promise<void> {
    const [pieces, bytes, position] = [this.#pieces, this.#bytes, this.#position];
    this.#position += bytes;
    this.#pieces = [];
    this.#bytes = 0;
    await this.#writing;
    this.#writing = writeAll(this.#file, pieces, bytes, position);
    // The next awaiting caller receives the error; until then it must not count as an unhandled rejection.
    this.#writing.catch(() => {});
  }
}

async function writeAll(file: FileHandle, pieces: Uint8Array[], length: number, position: number): Promise<void> {
  let { bytesWritten: at } = await file.writev(pieces, position);
  if (at === length) return;
  // A short write happens when the disk fills up: the next write reports the error.
  const bytes = Buffer.concat(pieces, length);
  while (at < length) at += (await file.write(bytes, at, length - at, position + at)).bytesWritten;
}
