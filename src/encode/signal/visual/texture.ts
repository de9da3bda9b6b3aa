import { type Planes, SIDE } from './planes.ts';

/** Number of wavelet scales. */
const SCALES = 3;
/** Number of parts of the picture in each direction. */
const PARTS_PER_SIDE = 2;
/** Number of features of the pattern: 3 orientations per scale and part. */
const TEXTURE_FEATURES = SCALES * 3 * PARTS_PER_SIDE * PARTS_PER_SIDE;
/** Detail of a nearly uniform surface. */
const DETAIL_FLOOR = 0.01;

/**
 * Texture: mean Haar wavelet detail in three scales and three orientations (Mallat 1989), per quarter of the picture.
 */
export class Texture {
  readonly #sums = new Float64Array(TEXTURE_FEATURES);
  readonly #levels = Array.from({ length: SCALES }, (_, scale) => new Float32Array((SIDE >> (scale + 1)) ** 2));
  #pictures = 0;

  add({ y }: Planes): void {
    let finer: Float32Array = y;
    for (let scale = 0; scale < SCALES; scale++) {
      const coarser = this.#levels[scale]!;
      addScale(scale, finer, coarser, this.#sums);
      finer = coarser;
    }
    this.#pictures++;
  }

  /** Logs of the detail by part, scale and orientation, relative to the mean of the scale. */
  features(): Float64Array {
    const levels = this.levels();
    return this.#sums.map(
      (sum, i) => Math.log(sum / this.#pictures + DETAIL_FLOOR) - levels[Math.floor(i / 3) % SCALES]!,
    );
  }

  /** Log of the overall detail of each scale. */
  levels(): number[] {
    const totals = new Float64Array(SCALES);
    for (const [i, sum] of this.#sums.entries())
      totals[Math.floor(i / 3) % SCALES]! += sum / (3 * PARTS_PER_SIDE * PARTS_PER_SIDE);
    return Array.from(totals, (total) => Math.log(total / this.#pictures + DETAIL_FLOOR));
  }
}

/** Computes the next coarser scale and accumulates the detail that it loses. */
function addScale(scale: number, finer: Float32Array, coarser: Float32Array, sums: Float64Array): void {
  const side = SIDE >> (scale + 1);
  const weight = 1 / ((side / PARTS_PER_SIDE) * (side / PARTS_PER_SIDE));
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const at = 4 * row * side + 2 * column;
      const a = finer[at]!;
      const b = finer[at + 1]!;
      const c = finer[at + 2 * side]!;
      const d = finer[at + 2 * side + 1]!;
      coarser[row * side + column] = (a + b + c + d) / 4;
      const part = (((row * PARTS_PER_SIDE) / side) | 0) * PARTS_PER_SIDE + (((column * PARTS_PER_SIDE) / side) | 0);
      const to = (part * SCALES + scale) * 3;
      sums[to]! += weight * Math.abs(a - b + c - d);
      sums[to + 1]! += weight * Math.abs(a + b - c - d);
      sums[to + 2]! += weight * Math.abs(a - b - c + d);
    }
  }
}
