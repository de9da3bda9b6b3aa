import type { TimeRange } from '../domain/time-range.ts';
import { rangeMicros, toMicros, toSeconds } from './micros.ts';

/** Default maximum length of a segment, in seconds. Longer shots are divided: a vector describes only a short scene well. */
export const MAX_DURATION_SEC = 10;

/**
 * Maximum length of an open shot, in segments of maximum length; beyond it, the first segment is closed. Equal parts of a
 * shot are known only at its end, and its pictures and sound are buffered until then: this bounds the buffer to 120 s by
 * default. Segments of a longer shot differ in length by less than 1/12.
 */
const MAX_OPEN_PARTS = 12;

/** Options of a `DynamicSegmenter`. */
export interface DynamicOptions {
  /** Range that the segments cover, without gap or overlap. */
  readonly range: TimeRange;
  /** Minimum length of a segment, in seconds. */
  readonly minDurationSec: number;
  /** Maximum length, in seconds: at least twice the minimum, so that every longer shot divides into allowed parts. */
  readonly maxDurationSec?: number;
}

/**
 * Converts shot boundaries to contiguous segments, and returns each as soon as it is final.
 *
 * 1. A boundary closes a segment if it is at least the minimum after the last one that did, and at least the minimum
 *    before the end of the range. Other boundaries are skipped, so that short shots join the ones before or after them.
 * 2. A stretch longer than the maximum is divided into the fewest equal parts within the maximum. With n ≥ 2 parts, each
 *    is longer than max × (n − 1) / n ≥ max / 2 ≥ min.
 *
 * Every segment thus lasts from the minimum to the maximum, except that a range shorter than the minimum is one segment.
 * The segments depend on the boundaries alone, not on the calls of `advance`.
 */
export class DynamicSegmenter {
  readonly #end: number;
  readonly #min: number;
  readonly #max: number;
  /** Start of the open stretch. Microseconds, like the fields above. */
  #start: number;

  /** @throws {RangeError} for an empty range, or a maximum below twice the minimum */
  constructor({ range, minDurationSec, maxDurationSec = MAX_DURATION_SEC }: DynamicOptions) {
    const { start, end } = rangeMicros(range);
    this.#start = start;
    this.#end = end;
    this.#min = toMicros(minDurationSec);
    this.#max = toMicros(maxDurationSec);
    if (!(this.#min > 0 && this.#max >= 2 * this.#min)) {
      throw new RangeError(
        `the longest segment must be at least twice the shortest: got ${minDurationSec} to ${maxDurationSec} s`,
      );
    }
  }

  /** Start of the first segment not yet returned, in seconds. Nothing before it is needed any more. */
  get openSec(): number {
    return toSeconds(this.#start);
  }

  /** Adds a boundary. Boundaries come in order; those outside the range are ignored. */
  push(timeSec: number): TimeRange[] {
    const segments = this.advance(timeSec);
    const at = toMicros(timeSec);
    if (at - this.#start < this.#min || this.#end - at < this.#min) return segments;
    return [...segments, ...this.#close(at)];
  }

  /** Announces that no boundary before `timeSec` follows. */
  advance(timeSec: number): TimeRange[] {
    const at = Math.min(toMicros(timeSec), this.#end);
    const segments: TimeRange[] = [];
    while (at - this.#start > MAX_OPEN_PARTS * this.#max) segments.push(...this.#close(this.#start + this.#max));
    return segments;
  }

  /** Ends the range. @returns the remaining segments */
  end(): TimeRange[] {
    return [...this.advance(toSeconds(this.#end)), ...this.#close(this.#end)];
  }

  #close(to: number): TimeRange[] {
    const from = this.#start;
    const parts = Math.ceil((to - from) / this.#max);
    const edge = (i: number) => toSeconds(from + Math.round((i * (to - from)) / parts));
    this.#start = to;
    return Array.from({ length: parts }, (_, i) => ({ startSec: edge(i), endSec: edge(i + 1) }));
  }
}
