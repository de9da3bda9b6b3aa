import { lowFrequencies } from './dct.ts';
import { type Planes, SIDE } from './planes.ts';

const CELLS = 8;
const CELL = SIDE / CELLS;
const DRIFT_KEEP = 4;
/** Brightness. A change that noise makes. */
const FAINT = 0.005;

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
  readonly #products = new Float64Array(CELLS * CELLS);
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
      this.#products[cell]! += cells[cell]! * this.#pictures;
    }
    if (this.#pictures > 0) this.#changes.push(total / y.length);
    this.#before.set(y);
    this.#pictures++;
  }

  /** Change of each cell and spread of each cell (logs, over their means), then low frequencies of the drift. */
  features(): Float64Array {
    const { change, spread } = this.#cellsOverTime();
    return Float64Array.from([
      ...overMean(change),
      ...overMean(spread),
      ...lowFrequencies(this.#driftOverTime(), CELLS, DRIFT_KEEP),
    ]);
  }

  /** How much changes at all, between pictures and over the clip, and in its calm, usual and wildest moments. */
  levels(): number[] {
    const { change, spread } = this.#cellsOverTime();
    const sorted = Float64Array.from(this.#changes).sort();
    const moments = [0.1, 0.5, 0.95].map((share) => sorted[Math.floor(sorted.length * share)] ?? 0);
    return [meanOf(change), meanOf(spread), ...moments].map((level) => Math.log(level + FAINT));
  }

  #cellsOverTime(): { change: Float64Array; spread: Float64Array } {
    const n = this.#pictures;
    return {
      change: this.#change.map((sum) => sum / Math.max(1, n - 1)),
      spread: this.#squares.map((squares, cell) => Math.sqrt(Math.max(0, squares / n - (this.#sum[cell]! / n) ** 2))),
    };
  }

  /** Change of each cell along its regression line, from the first picture to the last. */
  #driftOverTime(): Float64Array {
    const n = this.#pictures;
    if (n === 1) return new Float64Array(CELLS * CELLS);
    const middle = (n - 1) / 2;
    return this.#products.map((products, cell) => (12 * (products - middle * this.#sum[cell]!)) / (n * (n + 1)));
  }
}

function overMean(values: Float64Array): Float64Array {
  const mean = meanOf(values);
  return values.map((value) => Math.log((value + FAINT) / (mean + FAINT)));
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
