import { type Box, contentOf, need, oneOf, Table, Unusual } from './mp4-boxes.ts';
import { delayOf, inside, numberAfterDates, sampleEntry, tablesOf } from './mp4-headers.ts';
import { SamplePlaces } from './mp4-places.ts';
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
/** See `stepsBetween`. Four hours take so many from 19 million ticks a second on. */
const MOST_STEPS = 64;

/** A track of pictures or sound: what its `trak` box says of its samples. */
export class Mp4Track {
  readonly file: number;
  /** FFmpeg's `Stream.id`. */
  readonly id: number;
  /** In `stbl`. */
  readonly boxes: readonly Box[];
  readonly samples: number;
  readonly places: SamplePlaces;
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

  /**
   * @param movieScale ticks a second of what edit lists are counted in
   * @throws {Unusual} when the tables do not agree, or hold more than is known here
   */
  constructor(file: number, trak: Box, movieScale: number) {
    const parts = inside(file, trak);
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

    this.places = new SamplePlaces(file, boxes);
    this.samples = this.places.samples;
    this.durations = new Runs(new Table(file, need(boxes, 'stts'), 2));
    if (!Number.isSafeInteger(this.durations.sum)) throw new Unusual('too long a time');
    if (this.durations.samples !== this.samples) throw new Unusual('tables of different length');
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
      if (next <= last || steps.length === MOST_STEPS) throw new Unusual('a long gap');
      steps.push({ from: next, to: next + 1 });
      last = next;
    }
    return steps;
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
