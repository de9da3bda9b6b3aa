import { type Box, contentOf, need, oneOf, Table, Unusual } from './mp4-boxes.ts';
import type { Span } from './mp4-runs.ts';

/** Behind a sample that is larger FFmpeg takes no more, and forgets the edit list. Bytes. */
const LARGEST = 0x3fffffff;
/** Four hours of a thousand samples a second. More can be claimed in a few bytes, and would be counted one by one. */
const MOST_SAMPLES = 2 ** 24;

/** Where in the file the samples of a track are: in chunks, one behind the other. */
export class SamplePlaces {
  readonly samples: number;
  /** `stsz`: bytes of each sample. */
  readonly #sizes: Table;
  /** Bytes of every sample; 0 where each has its own. */
  readonly size: number;
  /** `stsc`: from which chunk on there are how many samples in each. */
  readonly #runs: Table;
  readonly #chunks: Chunks;

  /**
   * @param boxes in `stbl`
   * @throws {Unusual} when they do not agree, or hold more than is known here
   */
  constructor(file: number, boxes: readonly Box[]) {
    const sizes = need(boxes, 'stsz');
    this.size = contentOf(file, sizes, 8).readUInt32BE(4);
    this.#sizes = new Table(file, sizes, this.size === 0 ? 1 : 0, 8);
    this.samples = this.#sizes.rows;
    if (this.samples > MOST_SAMPLES) throw new Unusual('too many samples');
    this.#runs = new Table(file, need(boxes, 'stsc'), 3);
    this.#chunks = new Chunks(file, boxes);
    this.#checkSizes();
    if (this.#samplesInChunks() !== this.samples) throw new Unusual('chunks of other samples');
  }

  /** Bytes of a sample. */
  sizeOf(sample: number): number {
    return this.size || this.#sizes.at(sample);
  }

  /**
   * Where in the file each sample of a span begins.
   * @throws {Unusual} when one does not end there
   */
  of({ from, to }: Span, fileSize: number): number[] {
    const places: number[] = [];
    let sample = 0;
    for (let row = 0; row < this.#runs.rows && sample < to; row++) {
      const count = this.#runs.at(row, 1);
      const end = this.#chunkAfter(row);
      let chunk = this.#runs.at(row) - 1;
      const skipped = Math.min(end - chunk, Math.max(0, Math.floor((from - sample) / count)));
      chunk += skipped;
      sample += skipped * count;
      for (; chunk < end && sample < to; chunk++) {
        let place = this.#chunks.at(chunk);
        for (const next = Math.min(to, sample + count); sample < next; sample++) {
          if (sample >= from) places.push(place);
          place += this.sizeOf(sample);
        }
        if (place > fileSize) throw new Unusual('samples behind the end of the file');
      }
    }
    return places;
  }

  /** The chunk behind those of a run. */
  #chunkAfter(row: number): number {
    return row + 1 < this.#runs.rows ? this.#runs.at(row + 1) - 1 : this.#chunks.rows;
  }

  #samplesInChunks(): number {
    let samples = 0;
    if (this.#runs.rows === 0 || this.#runs.at(0) !== 1) throw new Unusual('chunks without a first one');
    for (let row = 0; row < this.#runs.rows; row++) {
      const chunks = this.#chunkAfter(row) - (this.#runs.at(row) - 1);
      const count = this.#runs.at(row, 1);
      if (chunks <= 0 || count === 0 || this.#runs.at(row, 2) !== 1) throw new Unusual('chunks without order');
      samples += chunks * count;
    }
    return samples;
  }

  #checkSizes(): void {
    for (let sample = 0; sample < this.samples; sample++) {
      if (this.sizeOf(sample) > LARGEST) throw new Unusual('a sample too large');
      if (this.size > 0) return;
    }
  }
}

/** Where chunks of samples are in the file. */
export class Chunks {
  readonly box: Box;
  readonly rows: number;
  readonly #table: Table;

  constructor(file: number, boxes: readonly Box[]) {
    const short = oneOf(boxes, 'stco');
    const long = oneOf(boxes, 'co64');
    if (!short === !long) throw new Unusual('no places, or twice');
    this.box = (short ?? long)!;
    this.#table = new Table(file, this.box, this.box.type === 'co64' ? 2 : 1);
    this.rows = this.#table.rows;
  }

  at(chunk: number): number {
    if (this.box.type === 'stco') return this.#table.at(chunk);
    return this.#table.at(chunk, 0) * 2 ** 32 + this.#table.at(chunk, 1);
  }
}
