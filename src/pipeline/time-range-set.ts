import type { TimeRange } from '../domain/time-range.ts';

/** Set of time ranges, sorted and merged. */
export class TimeRangeSet {
  readonly #maxGapSec: number;
  #list: TimeRange[] = [];

  /** @param maxGapSec ranges closer than this are merged, in seconds */
  constructor(maxGapSec: number) {
    this.#maxGapSec = maxGapSec;
  }

  /** The merged ranges, in order of time. */
  get list(): readonly TimeRange[] {
    return this.#list;
  }

  /** Adds a range and merges it with its neighbours. */
  add({ startSec, endSec }: TimeRange): void {
    const isApart = (other: TimeRange) =>
      other.endSec + this.#maxGapSec <= startSec || endSec + this.#maxGapSec <= other.startSec;
    // Searched from the end: nearly always the last range grows.
    let from = this.#list.length;
    while (from > 0 && this.#list[from - 1]!.endSec + this.#maxGapSec > startSec) from--;
    let to = from;
    while (to < this.#list.length && !isApart(this.#list[to]!)) to++;
    const joined = this.#list.slice(from, to);
    const merged = {
      startSec: Math.min(startSec, ...joined.map((other) => other.startSec)),
      endSec: Math.max(endSec, ...joined.map((other) => other.endSec)),
    };
    this.#list.splice(from, joined.length, merged);
  }

  /** Length of the intersection of a range with the set, in seconds. */
  lengthIn({ startSec, endSec }: TimeRange): number {
    const lengths = this.#list.map((other) => Math.min(endSec, other.endSec) - Math.max(startSec, other.startSec));
    return lengths.reduce((sum, length) => sum + Math.max(0, length), 0);
  }
}
