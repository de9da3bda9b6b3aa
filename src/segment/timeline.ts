import { type Change, coarseDifference, compare, NO_CHANGE } from './change.ts';
import type { Area, Signature } from './signature.ts';

/** The pictures that can still matter, by their number, with what changed from each to the next. */
export class Timeline {
  /** Number of the first picture held, and one past the last. */
  first = 0;
  end = 0;
  #signatures: Signature[] = [];
  #changes: Change[] = [];
  #coarseDifferences: number[] = [];

  append(signature: Signature): void {
    const before = this.#signatures.at(-1);
    this.#signatures.push(signature);
    this.#changes.push(before ? compare(before, signature) : NO_CHANGE);
    this.#coarseDifferences.push(before ? coarseDifference(before, signature) : 0);
    this.end += 1;
  }

  /** Takes all pictures held to be what is inside `area`. */
  crop(area: Area): void {
    for (const signature of this.#signatures) signature.crop(area);
  }

  at(frame: number): Signature {
    return this.#signatures[frame - this.first]!;
  }

  /** The picture that is shown at a time: the last that is not later, of those held. Seconds of the detector's clock. */
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

  /** What changed from the picture before; nothing for pictures that are not held. */
  change(frame: number): Change {
    return this.#changes[frame - this.first] ?? NO_CHANGE;
  }

  /** `coarseDifference` from the picture before. */
  coarseDifference(frame: number): number {
    return this.#coarseDifferences[frame - this.first] ?? 0;
  }

  /** Lets go of what lies before `frame`; in large bites, because each one moves the rest. */
  discardBefore(frame: number): void {
    const count = frame - this.first;
    if (count < 64) return;
    this.#signatures.splice(0, count);
    this.#changes.splice(0, count);
    this.#coarseDifferences.splice(0, count);
    this.first = frame;
  }
}
