import { DIMENSION } from '../../encode/encoder.ts';

/** The mean of unit vectors, each weighted with how long it stands for, brought back to length 1. */
export class WeightedMean {
  readonly #sum = new Float64Array(DIMENSION);
  #first: Float32Array | undefined;

  /** Sums depend on the order: the same vectors must come in the same order to give the same bytes. */
  add(vector: Float32Array, weight: number): void {
    this.#first ??= vector.slice();
    for (let i = 0; i < DIMENSION; i++) this.#sum[i]! += vector[i]! * weight;
  }

  /** At least one vector must have been added. Where they cancel each other the first one stands for all. */
  get(): Float32Array {
    let squares = 0;
    for (const component of this.#sum) squares += component * component;
    const norm = Math.sqrt(squares);
    return norm > 0 ? Float32Array.from(this.#sum, (component) => component / norm) : this.#first!;
  }
}
