import { type Planes, SIDE } from './planes.ts';

const CELLS = 4;
const DIRECTIONS = 8;
const CELL = SIDE / CELLS;
export const EDGE_FEATURES = CELLS * CELLS * DIRECTIONS;

/** Which way edges run, and where: gradient histograms of 4 × 4 cells, 8 directions (Dalal & Triggs 2005). */
export class Edges {
  readonly #sums = new Float64Array(EDGE_FEATURES);
  #pictures = 0;

  add({ y }: Planes): void {
    const sums = this.#sums;
    for (let row = 1; row < SIDE - 1; row++) {
      for (let column = 1; column < SIDE - 1; column++) {
        const at = row * SIDE + column;
        const across = y[at + 1]! - y[at - 1]!;
        const down = y[at + SIDE]! - y[at - SIDE]!;
        const strength = Math.sqrt(across * across + down * down);
        if (strength < 0.01) continue;
        const turn = (Math.atan2(down, across) / Math.PI + 1) * DIRECTIONS;
        const lower = Math.floor(turn);
        const cell = (((row / CELL) | 0) * CELLS + ((column / CELL) | 0)) * DIRECTIONS;
        // A direction and its opposite are one edge: light on the left or on the right.
        sums[cell + (lower % DIRECTIONS)]! += strength * (1 - (turn - lower));
        sums[cell + ((lower + 1) % DIRECTIONS)]! += strength * (turn - lower);
      }
    }
    this.#pictures++;
  }

  features(): Float64Array {
    return this.#sums.map((sum) => Math.sqrt(sum / this.#pictures / (CELL * CELL)));
  }
}
