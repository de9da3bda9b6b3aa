import type { Distraction, Truth } from '../film.ts';
import type { Rgb } from '../picture.ts';

/** Kind of an event that must not be reported as a boundary. */
export type DistractionKind = Distraction['kind'];

/** A recording under construction: a sequence of parts, with boundaries between them and distractions. */
export class Reel {
  readonly rate: number;
  readonly truth: Truth[] = [];
  readonly distractions: Distraction[] = [];
  readonly #parts: { count: number; picture: (i: number) => Rgb }[] = [];
  /** Number of pictures so far. */
  end = 0;

  constructor(rate: number) {
    this.rate = rate;
  }

  get durationSec(): number {
    return this.end / this.rate;
  }

  /** Adds a part. @param picture gets the number of the picture in the part */
  add(sec: number, picture: (i: number) => Rgb): void {
    const count = Math.max(1, Math.round(sec * this.rate));
    this.#parts.push({ count, picture });
    this.end += count;
  }

  /** Marks the next picture as the first after a cut. Several calls at one picture make one cut. */
  cut(): void {
    if (this.end > 0 && this.truth.at(-1)?.frame !== this.end)
      this.truth.push({ kind: 'cut', frame: this.end, start: this.end, end: this.end });
  }

  /** Adds a dissolve. @param picture gets the share of the new picture */
  dissolve(sec: number, picture: (share: number) => Rgb): void {
    const start = this.end;
    const count = Math.max(2, Math.round(sec * this.rate));
    this.add(count / this.rate, (i) => picture((i + 1) / (count + 1)));
    this.truth.push({ kind: 'dissolve', frame: (start + this.end) >> 1, start, end: this.end });
  }

  /** Adds a part in which something happens that is no boundary. */
  distract(kind: DistractionKind, sec: number, picture: (i: number) => Rgb): void {
    const start = this.end;
    this.add(sec, picture);
    this.distractions.push({ kind, start, end: this.end });
  }

  *pictures(): Generator<Rgb> {
    for (const { count, picture } of this.#parts) for (let i = 0; i < count; i++) yield picture(i);
  }
}
