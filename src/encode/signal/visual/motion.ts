import { sumOf } from '../sums.ts';
import { lowFrequencies } from './dct.ts';
import { type Planes, SIDE } from './planes.ts';

const CELLS = 8;
const CELL_PIXELS = SIDE / CELLS;
const DRIFT_KEEP = 4;
/** Brightness. A change that noise makes. */
const CHANGE_FLOOR = 0.005;

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
    addMeans(y, cells);
    addCells(cells, this.#pictures, this.#sum, this.#squares, this.#products);
    if (this.#pictures > 0) this.#changes.push(addChanges(y, this.#before, this.#change));
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
    return [meanOf(change), meanOf(spread), ...moments].map((level) => Math.log(level + CHANGE_FLOOR));
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

function addMeans(y: Float32Array, cells: Float64Array): void {
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      cells[cellAt(row, column)]! += y[row * SIDE + column]! / (CELL_PIXELS * CELL_PIXELS);
    }
  }
}

/** Adds what the moments of each cell over time, and its regression on the number of the picture, are made of. */
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

/** Adds the change of each cell from one picture to the next, and gives the mean of all pixels. */
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

function overMean(values: Float64Array): Float64Array {
  const mean = meanOf(values);
  return values.map((value) => Math.log((value + CHANGE_FLOOR) / (mean + CHANGE_FLOOR)));
}

function meanOf(values: Float64Array): number {
  return sumOf(values) / values.length;
}
