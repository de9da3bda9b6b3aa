import { DIMENSION } from '../../encode/encoder.ts';

/** Mean of unit vectors weighted by duration, normalized to length 1. */
export class WeightedMean {
  readonly #sum = new Float64Array(DIMENSION);
  #first: Float32Array | undefined;

  /** Adds a vector. Sums depend on the order: equal bytes require the same vectors in the same order. */
  add(vector: Float32Array, weight: number): void {
    this.#first ??= vector.slice();
    for (let i = 0; i < DIMENSION; i++) this.#sum[i]! += vector[i]! * weight;
  }

  /** Mean of the added vectors, of which there must be at least one. Returns the first vector if they cancel out. */
  get(): Float32Array {
    let squares = 0;
    for (const component of this.#sum) squares += component * component;
    const norm = Math.sqrt(squares);
    return norm > 0 ? Float32Array.from(this.#sum, (component) => component / norm) : this.#first!;
  }
}
