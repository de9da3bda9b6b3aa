import { type Change, coarseDifference, compare, NO_CHANGE } from './change.ts';
import type { Rules } from './rules.ts';
import type { Area, Signature } from './signature.ts';

/** A window of consecutive pictures by number, with the change from each to the next, and the rules to judge them by. */
export class Timeline {
  readonly rules: Rules;
  /** Number of the first picture held. */
  first = 0;
  /** Number of the last picture held, plus one. */
  end = 0;
  #signatures: Signature[] = [];
  #changes: Change[] = [];
  #coarseDifferences: number[] = [];

  constructor(rules: Rules) {
    this.rules = rules;
  }

  append(signature: Signature): void {
    const before = this.#signatures.at(-1);
    this.#signatures.push(signature);
    this.#changes.push(before ? compare(before, signature) : NO_CHANGE);
    this.#coarseDifferences.push(before ? coarseDifference(before, signature) : 0);
    this.end += 1;
  }

  /** Limits comparisons of all pictures held to `area`. */
  crop(area: Area): void {
    for (const signature of this.#signatures) signature.crop(area);
  }

  at(frame: number): Signature {
    return this.#signatures[frame - this.first]!;
  }

  /** The picture shown at a time of the detector's clock: the last one held that is not later. */
  shownAt(clockSec: number): Signature {
    let [low, high] = [this.first, this.end - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.clockSec(middle) <= clockSec) low = middle;
      else high = middle - 1;
    }
    return this.at(low);
  }

  clockSec(frame: number): number {
    return this.at(frame).clockSec;
  }

  /** The change from the picture before. `NO_CHANGE` for pictures that are not held. */
  change(frame: number): Change {
    return this.#changes[frame - this.first] ?? NO_CHANGE;
  }

  /** The coarse difference to the picture before. 0 for pictures that are not held. */
  coarseDifference(frame: number): number {
    return this.#coarseDifferences[frame - this.first] ?? 0;
  }

  /** Drops pictures before `frame`, at least 64 at a time, because each call moves the rest. */
  discardBefore(frame: number): void {
    const count = frame - this.first;
    if (count < 64) return;
    this.#signatures.splice(0, count);
    this.#changes.splice(0, count);
    this.#coarseDifferences.splice(0, count);
    this.first = frame;
  }
}
