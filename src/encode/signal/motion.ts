import { lowFrequencies } from './dct.ts';
import { type Planes, SIDE } from './planes.ts';

const CELLS = 8;
const CELL = SIDE / CELLS;
const TREND_KEEP = 4;
export const MOTION_FEATURES = 2 * CELLS * CELLS + TREND_KEEP ** 2 + 3;

/**
 * What changes in a clip, and where: change from picture to picture and spread over the whole clip in 8 × 8 cells (motion
 * activity and its spatial distribution, MPEG-7, Jeannin & Divakaran 2001), how the brightness drifts from beginning to
 * end, and how even the change is.
 */
export class Motion {
  readonly #before = new Float32Array(SIDE * SIDE);
  readonly #change = new Float64Array(CELLS * CELLS);
  readonly #sum = new Float64Array(CELLS * CELLS);
  readonly #squares = new Float64Array(CELLS * CELLS);
  readonly #drift = new Float64Array(CELLS * CELLS);
  readonly #cells = new Float64Array(CELLS * CELLS);
  readonly #changes: number[] = [];
  #pictures = 0;

  add({ y }: Planes): void {
    const cells = this.#cells.fill(0);
    let total = 0;
    for (let at = 0; at < y.length; at++) {
      const cell = (((at / SIDE / CELL) | 0) * CELLS + (((at % SIDE) / CELL) | 0)) | 0;
      cells[cell]! += y[at]! / (CELL * CELL);
      if (this.#pictures > 0) {
        const change = Math.abs(y[at]! - this.#before[at]!);
        this.#change[cell]! += change / (CELL * CELL);
        total += change;
      }
    }
    for (let cell = 0; cell < cells.length; cell++) {
      this.#sum[cell]! += cells[cell]!;
      this.#squares[cell]! += cells[cell]! * cells[cell]!;
      this.#drift[cell]! += cells[cell]! * this.#pictures;
    }
    if (this.#pictures > 0) this.#changes.push(total / y.length);
    this.#before.set(y);
    this.#pictures++;
  }

  features(): Float64Array {
    const n = this.#pictures;
    const out = new Float64Array(MOTION_FEATURES);
    const drift = new Float64Array(CELLS * CELLS);
    for (let cell = 0; cell < drift.length; cell++) {
      const mean = this.#sum[cell]! / n;
      const variance = Math.max(0, this.#squares[cell]! / n - mean * mean);
      out[cell] = Math.log(this.#change[cell]! / Math.max(1, n - 1) + 0.01);
      out[CELLS * CELLS + cell] = Math.log(Math.sqrt(variance) + 0.01);
      // Slope of the regression on the picture's number, from −1 (first) to 1 (last).
      drift[cell] = n > 1 ? (this.#drift[cell]! / n - (mean * (n - 1)) / 2) * (6 / (n + 1)) : 0;
    }
    out.set(lowFrequencies(drift, CELLS, TREND_KEEP), 2 * CELLS * CELLS);
    const sorted = this.#changes.sort((a, b) => a - b);
    for (const [i, share] of [0.1, 0.5, 0.95].entries()) {
      const value = sorted[Math.floor(sorted.length * share)] ?? 0;
      out[MOTION_FEATURES - 3 + i] = Math.log(value + 0.003);
    }
    return out;
  }
}
