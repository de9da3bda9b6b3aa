import { DIMENSION } from '../encoder.ts';

/**
 * Converts features to a vector of `DIMENSION` float32 values of norm 1. The last value is 0.01 before normalisation,
 * so that a black picture, silence, or text whose hashes cancel out has a direction too.
 *
 * @param features at most `DIMENSION` − 1 values; missing ones are 0
 * @throws {Error} for more features
 */
export function toUnitVector(features: ArrayLike<number>): Float32Array {
  if (features.length >= DIMENSION) throw new Error(`${features.length} features do not fit into ${DIMENSION} values.`);
  const vector = new Float32Array(DIMENSION);
  vector.set(features);
  vector[DIMENSION - 1] = 0.01;
  let sum = 0;
  for (const value of vector) sum += value * value;
  const scale = 1 / Math.sqrt(sum);
  for (let i = 0; i < DIMENSION; i++) vector[i]! *= scale;
  return vector;
}
