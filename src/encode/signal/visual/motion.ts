import { lowFrequencies } from '../../dsp/dct.ts';
import { sumOf } from '../sums.ts';
import { type Planes, SIDE } from './planes.ts';

/** Number of cells in each direction. */
const CELLS = 8;
/** Width and height of a cell, in pixels. */
const CELL_PIXELS = SIDE / CELLS;
/** Number of frequencies of the drift in each direction. */
const DRIFT_KEEP = 4;
/** Change of luma due to noise, 0 to 1. */
const CHANGE_FLOOR = 0.005;

/**
 * Motion in 8 × 8 cells: change between pictures and spread over the clip (motion activity and its spatial
 * distribution, MPEG-7, Jeannin & Divakaran 2001), drift of luma from start to end, and distribution of change over
 * time.
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
    addMeans(y, cells);
    addCells(cells, this.#pictures, this.#sum, this.#squares, this.#products);
    if (this.#pictures > 0) this.#changes.push(addChanges(y, this.#before, this.#change));
    this.#before.set(y);
    this.#pictures++;
  }

  /** Logs of change and spread of each cell, relative to their means, then low frequencies of the drift. */
  features(): Float64Array {
    const { change, spread } = this.#cellsOverTime();
    return Float64Array.from([
      ...logsOverMean(change),
      ...logsOverMean(spread),
      ...lowFrequencies(this.#driftOverTime(), CELLS, DRIFT_KEEP),
    ]);
  }

  /** Logs of overall change, overall spread, and the 10th, 50th and 95th percentile of change between pictures. */
  levels(): number[] {
    const { change, spread } = this.#cellsOverTime();
    const sorted = Float64Array.from(this.#changes).sort();
    const moments = [0.1, 0.5, 0.95].map((share) => sorted[Math.floor(sorted.length * share)] ?? 0);
    return [meanOf(change), meanOf(spread), ...moments].map((level) => Math.log(level + CHANGE_FLOOR));
  }

  #cellsOverTime(): { change: Float64Array; spread: Float64Array } {
    const n = this.#pictures;
    return {
      change: this.#change.map((sum) => sum / Math.max(1, n - 1)),
      spread: this.#squares.map((squares, cell) => Math.sqrt(Math.max(0, squares / n - (this.#sum[cell]! / n) ** 2))),
    };
  }

  /** Change of each cell along its regression line, from first to last picture. */
  #driftOverTime(): Float64Array {
    const n = this.#pictures;
    if (n === 1) return new Float64Array(CELLS * CELLS);
    const middle = (n - 1) / 2;
    return this.#products.map((products, cell) => (12 * (products - middle * this.#sum[cell]!)) / (n * (n + 1)));
  }
}

/** Adds the mean luma of each cell. */
function addMeans(y: Float32Array, cells: Float64Array): void {
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      cells[cellAt(row, column)]! += y[row * SIDE + column]! / (CELL_PIXELS * CELL_PIXELS);
    }
  }
}

/** Accumulates the sums for the variance of each cell and its regression on the picture's number. */
function addCells(
  cells: Float64Array,
  number: number,
  sum: Float64Array,
  squares: Float64Array,
  products: Float64Array,
): void {
  for (let cell = 0; cell < cells.length; cell++) {
    sum[cell]! += cells[cell]!;
    squares[cell]! += cells[cell]! * cells[cell]!;
    products[cell]! += cells[cell]! * number;
  }
}

/** Accumulates the change of each cell between two pictures. @returns the mean change over all pixels */
function addChanges(y: Float32Array, before: Float32Array, cells: Float64Array): number {
  let total = 0;
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const at = row * SIDE + column;
      const change = Math.abs(y[at]! - before[at]!);
      cells[cellAt(row, column)]! += change / (CELL_PIXELS * CELL_PIXELS);
      total += change;
    }
  }
  return total / y.length;
}

function cellAt(row: number, column: number): number {
  return ((row / CELL_PIXELS) | 0) * CELLS + ((column / CELL_PIXELS) | 0);
}

/** Logs of values relative to their mean. */
function logsOverMean(values: Float64Array): Float64Array {
  const mean = meanOf(values);
  return values.map((value) => Math.log((value + CHANGE_FLOOR) / (mean + CHANGE_FLOOR)));
}

function meanOf(values: Float64Array): number {
  return sumOf(values) / values.length;
}
