import { DIMENSION } from './encoder.ts';

/**
 * Minimum norm of a vector with a direction. What is left of a sum of unit vectors that cancel out is below it: rounding
 * errors, which point anywhere.
 */
const MIN_NORM = 1e-9;

/** L2 norm. */
export function normOf(values: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += values[i]! * values[i]!;
  return Math.sqrt(squares);
}

/**
 * Scales a vector to norm 1.
 * @returns undefined for a vector without a direction: its norm is below `MIN_NORM` or not finite
 */
export function toUnit(values: ArrayLike<number>): Float32Array | undefined {
  const norm = normOf(values);
  if (!(norm >= MIN_NORM && Number.isFinite(norm))) return undefined;
  const unit = new Float32Array(values.length);
  for (let i = 0; i < unit.length; i++) unit[i] = values[i]! / norm;
  return unit;
}

/**
 * Vector of an encoder from a model's output: truncated to `DIMENSION` values, or filled with zeros, and scaled to norm 1.
 * Truncated before it is scaled, as models trained for prefixes require. Zeros leave cosines as they are.
 * @throws {Error} if the values have no direction: a broken model must not produce results
 */
export function encoderVector(values: ArrayLike<number>): Float32Array {
  const vector = new Float64Array(DIMENSION);
  for (let i = 0; i < Math.min(values.length, DIMENSION); i++) vector[i] = values[i]!;
  const unit = toUnit(vector);
  if (!unit) throw new Error(`The model gave a vector of norm ${normOf(vector)}, which has no direction.`);
  return unit;
}

/** Weighted mean of unit vectors, scaled to norm 1. */
export class WeightedMean {
  readonly #sum = new Float64Array(DIMENSION);
  #first: Float32Array | undefined;

  /** Adds a vector. Sums depend on the order: equal bytes require the same vectors in the same order. */
  add(vector: Float32Array, weight: number): void {
    this.#first ??= vector.slice();
    for (let i = 0; i < DIMENSION; i++) this.#sum[i]! += vector[i]! * weight;
  }

  /** Mean of the added vectors, of which there must be at least one. Returns the first one if they cancel out. */
  get(): Float32Array {
    return toUnit(this.#sum) ?? this.#first!;
  }
}

/**
 * Mean of one or more unit vectors, scaled to norm 1: the vector that is nearest to all of them. Returns the first one if
 * they cancel out.
 */
export function meanVector(vectors: readonly Float32Array[]): Float32Array {
  if (vectors.length === 1) return vectors[0]!;
  const mean = new WeightedMean();
  for (const vector of vectors) mean.add(vector, 1);
  return mean.get();
}

/**
 * Truncates a unit vector and scales it to norm 1 again. Only for the `dimensions` of a bundle, whose encoders were
 * trained for prefixes (Matryoshka representation learning, Kusupati et al. 2022). A prefix without a direction becomes
 * the first axis.
 * @returns `vector` itself if it has the requested length
 */
export function shorten(vector: Float32Array, length: number): Float32Array {
  if (vector.length === length) return vector;
  return toUnit(vector.subarray(0, length)) ?? Float32Array.from({ length }, (_, i) => (i === 0 ? 1 : 0));
}
