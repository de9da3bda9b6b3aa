import { rangeMicros, type Segment, toMicros, toSeconds } from './segment.ts';

/** One vector should not stand for a minute of film: shots longer than this are cut into parts. Seconds. */
export const MAX_DURATION_SEC = 10;

/**
 * Equal parts of a shot are known only at its end, and until then its pictures and sound are held. A stretch that
 * grows past this many parts of full length gives its first part away, so what is held is bounded (120 s at the
 * default) however long a camera stands still. Parts of a longer shot differ by less than 1/12.
 */
const HELD_PARTS = 12;

export interface DynamicOptions {
  /** What is to be covered, without gap or overlap. */
  readonly range: Segment;
  readonly minDurationSec: number;
  /** At least twice the minimum, so that every shot over it divides into allowed parts. */
  readonly maxDurationSec?: number;
}

/**
 * Shot boundaries in, contiguous segments out, each as soon as it is certain.
 *
 * 1. A boundary closes a segment if at least the minimum lies between it and the last one that did, and between it
 *    and the end of the range (so a short last shot joins the one before). Others are skipped: of several close
 *    boundaries the first far enough stands.
 * 2. A stretch between two such boundaries longer than the maximum is cut into the fewest equal parts that are not.
 *    With n ≥ 2 parts each is longer than max × (n − 1) / n ≥ max / 2 ≥ min.
 *
 * So every segment lasts from the minimum to the maximum; only a range shorter than the minimum is one short segment.
 * The outcome depends on the boundaries alone, not on how often or when `advance` is called.
 */
export class DynamicSegmenter {
  readonly #end: number;
  readonly #min: number;
  readonly #max: number;
  /** Where the open stretch begins. Microseconds, like all above. */
  #start: number;

  /** @throws RangeError for an empty range, or a maximum under twice the minimum. */
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

  /** Where the first segment not yet returned starts. Nothing before it is needed any more. Seconds. */
  get openSec(): number {
    return toSeconds(this.#start);
  }

  /** A shot starts at `timeSec`. Boundaries come in order; those outside the range are ignored. */
  push(timeSec: number): Segment[] {
    const segments = this.advance(timeSec);
    const at = toMicros(timeSec);
    if (at - this.#start < this.#min || this.#end - at < this.#min) return segments;
    return [...segments, ...this.#close(at)];
  }

  /** No boundary before `timeSec` will be pushed any more. */
  advance(timeSec: number): Segment[] {
    const at = Math.min(toMicros(timeSec), this.#end);
    const segments: Segment[] = [];
    while (at - this.#start > HELD_PARTS * this.#max) segments.push(...this.#close(this.#start + this.#max));
    return segments;
  }

  /** The range is over: returns what is left. */
  end(): Segment[] {
    return [...this.advance(toSeconds(this.#end)), ...this.#close(this.#end)];
  }

  #close(to: number): Segment[] {
    const from = this.#start;
    const parts = Math.ceil((to - from) / this.#max);
    const edge = (i: number) => toSeconds(from + Math.round((i * (to - from)) / parts));
    this.#start = to;
    return Array.from({ length: parts }, (_, i) => ({ startSec: edge(i), endSec: edge(i + 1) }));
  }
}
