import type { TimeRange } from '../media/frames.ts';

/** A set of moments, kept as stretches in order of time. */
export class TimeRangeSet {
  readonly #maxGapSec: number;
  #list: TimeRange[] = [];

  /** @param maxGapSec gaps shorter than this are part of the set, in seconds */
  constructor(maxGapSec: number) {
    this.#maxGapSec = maxGapSec;
  }

  get list(): readonly TimeRange[] {
    return this.#list;
  }

  add({ startSec, endSec }: TimeRange): void {
    const isApart = (other: TimeRange) =>
      other.endSec + this.#maxGapSec <= startSec || endSec + this.#maxGapSec <= other.startSec;
    // Nearly always the last one grows.
    let from = this.#list.length;
    while (from > 0 && this.#list[from - 1]!.endSec + this.#maxGapSec > startSec) from--;
    let to = from;
    while (to < this.#list.length && !isApart(this.#list[to]!)) to++;
    const joined = this.#list.slice(from, to);
    const stretch = {
      startSec: Math.min(startSec, ...joined.map((other) => other.startSec)),
      endSec: Math.max(endSec, ...joined.map((other) => other.endSec)),
    };
    this.#list.splice(from, joined.length, stretch);
  }

  /** Seconds of a range that are in the set. */
  lengthIn({ startSec, endSec }: TimeRange): number {
    const lengths = this.#list.map((other) => Math.min(endSec, other.endSec) - Math.max(startSec, other.startSec));
    return lengths.reduce((sum, length) => sum + Math.max(0, length), 0);
  }
}
