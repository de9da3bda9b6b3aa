import { readSync } from 'node:fs';

/** What is not as expected in a file, so that it is left to FFmpeg as it is. */
export class Unusual extends Error {}

/** A box of an MP4 file (ISO/IEC 14496-12, 4.2); places in bytes from the start of the file. */
export interface Box {
  readonly type: string;
  readonly start: number;
  /** Where its content begins. */
  readonly body: number;
  readonly end: number;
}

/** In one place. Who writes more means harm, and would have them all in memory. */
const MOST_BOXES = 1000;

/**
 * The boxes of a stretch of a file, which they must fill.
 * @throws {Unusual} where they do not
 */
export function boxesIn(file: number, from: number, to: number): Box[] {
  const boxes: Box[] = [];
  for (let start = from; start < to; ) {
    const header = bytesAt(file, start, Math.min(16, to - start));
    if (header.length < 8) throw new Unusual('a box without a header');
    const isLong = header.readUInt32BE(0) === 1;
    if (isLong && header.length < 16) throw new Unusual('a box without its size');
    const size = isLong ? Number(header.readBigUInt64BE(8)) : header.readUInt32BE(0);
    const [body, end] = [start + (isLong ? 16 : 8), start + size];
    const type = header.toString('latin1', 4, 8);
    if (boxes.length === MOST_BOXES) throw new Unusual('too many boxes');
    if (end < body || end > to) throw new Unusual(`a box "${type}" of ${size} bytes`);
    boxes.push({ type, start, body, end });
    start = end;
  }
  return boxes;
}

/** The one box of a type, if there is one. */
export function oneOf(boxes: readonly Box[], type: string): Box | undefined {
  const found = boxes.filter((box) => box.type === type);
  if (found.length > 1) throw new Unusual(`${found.length} boxes "${type}"`);
  return found[0];
}

/** The one box of a type that must be there. */
export function need(boxes: readonly Box[], type: string): Box {
  const box = oneOf(boxes, type);
  if (!box) throw new Unusual(`no box "${type}"`);
  return box;
}

/** @throws {Unusual} where the file ends before */
export function bytesAt(file: number, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  if (readSync(file, bytes, 0, length, from) !== length) throw new Unusual('the file ends too early');
  return bytes;
}

/** Content of a box, or the beginning of it. */
export function contentOf(file: number, { body, end }: Box, length = end - body): Buffer {
  if (body + length > end) throw new Unusual('a box that is too small');
  return bytesAt(file, body, length);
}

/** A box as a list of buffers, of which the first is its header. */
export function makeBox(type: string, content: readonly Buffer[]): Buffer[] {
  const header = Buffer.alloc(8, type, 'latin1');
  header.writeUInt32BE(8 + sizeOf(content));
  header.write(type, 4, 'latin1');
  return [header, ...content];
}

export function sizeOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}

/** How much of a table is in memory, in bytes. */
const PIECE = 2 ** 16;

/** A table of unsigned numbers of 32 bits in a file, of which a piece at a time is in memory. */
export class Table {
  readonly rows: number;
  readonly #columns: number;
  readonly #file: number;
  readonly #from: number;
  readonly #size: number;
  #bytes = Buffer.alloc(0);
  #piece = -1;

  /**
   * A table whose number of rows stands before it.
   * @param headBytes of the box's content before that number
   * @throws {Unusual} when the box is too small for it
   */
  constructor(file: number, box: Box, columns: number, headBytes = 4) {
    this.rows = contentOf(file, box, headBytes + 4).readUInt32BE(headBytes);
    this.#columns = columns;
    this.#file = file;
    this.#from = box.body + headBytes + 4;
    this.#size = this.rows * columns * 4;
    if (this.#from + this.#size > box.end) throw new Unusual(`a box "${box.type}" with ${this.rows} rows`);
  }

  at(row: number, column = 0): number {
    const place = (row * this.#columns + column) * 4;
    const piece = Math.floor(place / PIECE);
    if (piece !== this.#piece) this.#load(piece);
    return this.#bytes.readUInt32BE(place % PIECE);
  }

  #load(piece: number): void {
    const length = Math.min(PIECE, this.#size - piece * PIECE);
    if (this.#bytes.length < length) this.#bytes = Buffer.allocUnsafeSlow(length);
    const read = readSync(this.#file, this.#bytes, 0, length, this.#from + piece * PIECE);
    if (read !== length) throw new Unusual('the file ends too early');
    this.#piece = piece;
  }
}
