import { type Box, boxesIn, contentOf, need, oneOf, Table, Unusual } from './mp4-boxes.ts';
import { LONGEST_TICKS, Runs, type Span } from './mp4-runs.ts';

/**
 * Sample entries whose packets FFmpeg makes of the tables sample by sample, and for whose decoders it takes nothing else
 * from them. For uncompressed sound, for one, it has rules of its own.
 */
const CODECS = new Set([
  'avc1',
  'avc3',
  'hvc1',
  'hev1',
  'av01',
  'vp09',
  'mp4a',
  'Opus',
  'fLaC',
  'ac-3',
  'ec-3',
  'jpeg',
]);
/** Of these FFmpeg looks at all samples to find out how far pictures are out of order. */
const REORDERED = new Set(['avc1', 'avc3']);
/** What may be in a sample table (`stbl`): anything else might be about samples by their numbers. */
const TABLES = new Set('stsd stts ctts cslg stss stsz stsc stco co64 sdtp sgpd sbgp free'.split(' '));
/** Groups of samples at which FFmpeg lets decoding start; it looks at no other groups. */
const ENTRY_GROUPS = ['rap ', 'sync'];
/** A picture is shown at most so much later or earlier than it is decoded, in seconds; with slides that is long. */
const MOST_SHIFT_SEC = 60;
/** Behind a sample that is larger FFmpeg takes no more, and forgets the edit list. Bytes. */
const LARGEST = 0x3fffffff;
/** Edit lists leave out at most so much of the beginning, in seconds. */
export const MOST_LEFT_OUT_SEC = 10;

/** A track of pictures or sound: what its `trak` box says of its samples. */
export class Mp4Track {
  readonly file: number;
  /** FFmpeg's `Stream.id`. */
  readonly id: number;
  /** In `stbl`. */
  readonly boxes: readonly Box[];
  readonly samples: number;
  /** `stts`: how long samples last until the next is decoded, in ticks of the track's clock. */
  readonly durations: Runs;
  /** `ctts`: how much later than it is decoded a sample is shown; numbers below 0 look like large ones. */
  readonly shifts: Runs | undefined;
  /** The least of `shifts` that counts for FFmpeg's decoding times, which it moves by it; 0 or negative. */
  readonly leastShift: number;
  /** How far decoding and showing are apart at most, in seconds. */
  readonly mostShiftSec: number;
  /** `stss`: samples at which decoding can start, counted from 1; without it, all of them. */
  readonly keys: Table | undefined;
  readonly isReordered: boolean;
  readonly #ticksPerSec: number;
  /** How much later than it is decoded a sample comes in the film, as far as the edit list says so. Ticks. */
  readonly #delay: number;
  readonly #sizes: Table;
  /** Of all samples; 0 where each has its own. */
  readonly #size: number;
  readonly #chunkRuns: Table;
  readonly #chunks: Chunks;

  /**
   * @param movieScale ticks a second of what edit lists are counted in
   * @throws {Unusual} when the tables do not agree, or hold more than is known here
   */
  constructor(file: number, trak: Box, movieScale: number) {
    const parts = boxesIn(file, trak.body, trak.end);
    const media = inside(file, need(parts, 'mdia'));
    const boxes = tablesOf(file, trak);
    this.file = file;
    this.boxes = boxes;
    this.id = numberAfterDates(file, need(parts, 'tkhd'));
    this.#ticksPerSec = numberAfterDates(file, need(media, 'mdhd'));
    if (this.#ticksPerSec === 0 || movieScale === 0) throw new Unusual('no time scale');
    this.#delay = delayOf(file, oneOf(parts, 'edts'), this.#ticksPerSec, movieScale);
    const entry = sampleEntry(file, boxes);
    if (!CODECS.has(entry)) throw new Unusual(`samples of type "${entry}"`);
    this.isReordered = REORDERED.has(entry);
    const strange = boxes.find(({ type }) => !TABLES.has(type));
    if (strange) throw new Unusual(`a box "${strange.type}"`);
    const hasEntryGroups = boxes.some(
      (box) => box.type === 'sbgp' && ENTRY_GROUPS.includes(contentOf(file, box, 8).toString('latin1', 4)),
    );
    if (hasEntryGroups) throw new Unusual('samples in groups');

    const sizes = need(boxes, 'stsz');
    this.#size = contentOf(file, sizes, 8).readUInt32BE(4);
    this.#sizes = new Table(file, sizes, this.#size === 0 ? 1 : 0, 8);
    this.samples = this.#sizes.rows;
    this.#checkSizes();
    this.durations = new Runs(new Table(file, need(boxes, 'stts'), 2));
    this.#chunkRuns = new Table(file, need(boxes, 'stsc'), 3);
    this.#chunks = new Chunks(file, boxes);
    if (this.durations.samples !== this.samples || this.#samplesInChunks() !== this.samples || this.samples === 0) {
      throw new Unusual('tables of different length');
    }
    const keys = oneOf(boxes, 'stss');
    this.keys = keys && new Table(file, keys, 1);
    this.#checkKeys();
    const shifts = oneOf(boxes, 'ctts');
    this.shifts = shifts && new Runs(new Table(file, shifts, 2));
    this.#checkDurations();
    const { least, most } = this.#checkShifts();
    this.leastShift = least;
    this.mostShiftSec = most / this.#ticksPerSec;
    if (this.mostShiftSec > MOST_SHIFT_SEC) throw new Unusual('pictures far out of order');
  }

  /** The first sample that is decoded at or after a time of the film, in seconds; behind the last where there is none. */
  sampleAt(sec: number): number {
    return this.#sampleAtTicks(sec * this.#ticksPerSec - this.#delay);
  }

  /** When a sample is decoded, in seconds of the film. */
  secOf(sample: number): number {
    return (this.ticksOf(sample) + this.#delay) / this.#ticksPerSec;
  }

  /** When a sample is decoded, or the last one ends, in ticks from the first one. */
  ticksOf(sample: number): number {
    if (sample === this.samples) return this.durations.sum;
    const { from, sumFrom, value } = this.durations.at(sample);
    return sumFrom + (sample - from) * value;
  }

  #sampleAtTicks(ticks: number): number {
    if (ticks <= 0) return 0;
    if (ticks >= this.durations.sum) return this.samples;
    const { from, sumFrom, value } = this.durations.atSum(ticks);
    return from + Math.ceil((ticks - sumFrom) / value);
  }

  /** The last sample before a time of the film at which decoding can start, or the first of all. */
  entryBefore(sec: number): number {
    const last = Math.max(0, this.sampleAt(sec) - 1);
    if (!this.keys) return last;
    let key = 0;
    for (let row = 0; row < this.keys.rows && this.keys.at(row) - 1 <= last; row++) key = this.keys.at(row) - 1;
    return key;
  }

  /** Samples on the way from one to another, so that no two of all of them are too far apart for FFmpeg. */
  stepsBetween(from: number, to: number): Span[] {
    const end = this.ticksOf(to);
    const steps: Span[] = [];
    for (let last = from; end - this.ticksOf(last) > LONGEST_TICKS; ) {
      const next = this.#sampleAtTicks(this.ticksOf(last) + LONGEST_TICKS) - 1;
      if (next <= last) throw new Unusual('a long gap');
      steps.push({ from: next, to: next + 1 });
      last = next;
    }
    return steps;
  }

  /** Bytes of a sample. */
  sizeOf(sample: number): number {
    return this.#size || this.#sizes.at(sample);
  }

  /**
   * Where in the file each sample of a span begins.
   * @throws {Unusual} when one does not end there
   */
  placesOf({ from, to }: Span, fileSize: number): number[] {
    const places: number[] = [];
    let sample = 0;
    for (let row = 0; row < this.#chunkRuns.rows && sample < to; row++) {
      const count = this.#chunkRuns.at(row, 1);
      const end = this.#chunkAfter(row);
      let chunk = this.#chunkRuns.at(row) - 1;
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
    return row + 1 < this.#chunkRuns.rows ? this.#chunkRuns.at(row + 1) - 1 : this.#chunks.rows;
  }

  #samplesInChunks(): number {
    let samples = 0;
    if (this.#chunkRuns.rows === 0 || this.#chunkRuns.at(0) !== 1) throw new Unusual('chunks without a first one');
    for (let row = 0; row < this.#chunkRuns.rows; row++) {
      const chunks = this.#chunkAfter(row) - (this.#chunkRuns.at(row) - 1);
      if (chunks <= 0 || this.#chunkRuns.at(row, 2) !== 1) {
        throw new Unusual('chunks without order');
      }
      samples += chunks * this.#chunkRuns.at(row, 1);
    }
    return samples;
  }

  #checkSizes(): void {
    for (let sample = 0; sample < this.samples; sample++) {
      if (this.sizeOf(sample) > LARGEST) throw new Unusual('a sample too large');
      if (this.#size > 0) return;
    }
  }

  #checkDurations(): void {
    for (let cursor = this.durations.at(0); ; cursor.next()) {
      if (cursor.value > LONGEST_TICKS) throw new Unusual('a negative duration');
      if (cursor.to === this.samples) return;
    }
  }

  #checkKeys(): void {
    if (!this.keys) return;
    let last = 0;
    for (let row = 0; row < this.keys.rows; row++) {
      const key = this.keys.at(row);
      if (key <= last || key > this.samples) throw new Unusual('entries without order');
      last = key;
    }
    if (this.keys.rows === 0 || this.keys.at(0) !== 1) throw new Unusual('decoding cannot start with the first sample');
  }

  /** FFmpeg lets the last two rows not count for the least (`mov_read_ctts`). */
  #checkShifts(): { least: number; most: number } {
    let [least, leastOfAll, most] = [0, 0, 0];
    if (!this.shifts) return { least, most };
    for (let row = 0, cursor = this.shifts.at(0); row < this.shifts.rows; row++) {
      const shift = cursor.value | 0;
      if (row + 2 < this.shifts.rows) least = Math.min(least, shift);
      leastOfAll = Math.min(leastOfAll, shift);
      most = Math.max(most, Math.abs(shift));
      if (row + 1 < this.shifts.rows) cursor.next();
    }
    if (this.shifts.samples !== this.samples || leastOfAll < least) throw new Unusual('uneven shifts');
    return { least, most };
  }
}

/** What is in a track's sample table (`stbl`). */
export function tablesOf(file: number, trak: Box): Box[] {
  return ['mdia', 'minf', 'stbl'].reduce((boxes, type) => inside(file, need(boxes, type)), inside(file, trak));
}

/** Where chunks of samples are in the file. */
export class Chunks {
  readonly box: Box;
  readonly rows: number;
  readonly #table: Table;

  constructor(file: number, boxes: readonly Box[]) {
    this.box = oneOf(boxes, 'stco') ?? need(boxes, 'co64');
    this.#table = new Table(file, this.box, this.box.type === 'co64' ? 2 : 1);
    this.rows = this.#table.rows;
  }

  at(chunk: number): number {
    if (this.box.type === 'stco') return this.#table.at(chunk);
    return this.#table.at(chunk, 0) * 2 ** 32 + this.#table.at(chunk, 1);
  }
}

/** What kind of track it is: `vide`, `soun`, `text`, `tmcd` … */
export function kindOf(file: number, trak: Box): string {
  const media = inside(file, need(inside(file, trak), 'mdia'));
  return contentOf(file, need(media, 'hdlr'), 12).toString('latin1', 8);
}

/** The number that follows the dates of creation and change: a time scale (`mvhd`, `mdhd`), or a track's (`tkhd`). */
export function numberAfterDates(file: number, box: Box): number {
  const isLong = contentOf(file, box, 1)[0] === 1;
  return contentOf(file, box, isLong ? 24 : 16).readUInt32BE(isLong ? 20 : 12);
}

function inside(file: number, box: Box): Box[] {
  return boxesIn(file, box.body, box.end);
}

function sampleEntry(file: number, boxes: readonly Box[]): string {
  const content = contentOf(file, need(boxes, 'stsd'), 16);
  if (content.readUInt32BE(4) !== 1) throw new Unusual('samples of several types');
  return content.toString('latin1', 12);
}

/** What an edit list delays a track by: empty edits, and then one that goes on to the end. */
function delayOf(file: number, edts: Box | undefined, ticksPerSec: number, movieScale: number): number {
  const elst = edts && oneOf(inside(file, edts), 'elst');
  if (!elst) return 0;
  const isLong = contentOf(file, elst, 1)[0] === 1;
  const width = isLong ? 5 : 3;
  const edits = new Table(file, elst, width);
  let delay = 0;
  for (let row = 0; row < edits.rows; row++) {
    const number = (column: number) =>
      isLong ? edits.at(row, column * 2) * 2 ** 32 + edits.at(row, column * 2 + 1) : edits.at(row, column);
    const [duration, from] = [number(0), number(1)];
    const isEmpty = from >= (isLong ? 2 ** 63 : 2 ** 31);
    if (row + 1 < edits.rows !== isEmpty || duration === 0) throw new Unusual('a film that is cut by its edit list');
    if (!isEmpty && from > MOST_LEFT_OUT_SEC * ticksPerSec) throw new Unusual('a late beginning');
    delay += isEmpty ? (duration / movieScale) * ticksPerSec : -from;
  }
  return delay;
}
