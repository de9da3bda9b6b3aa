import { DIMENSION } from '../encoder.ts';

/**
 * Puts features into the form that every encoder returns: `DIMENSION` float32 values of norm 1. The last value is a
 * small constant before normalisation, so that a black picture, silence or text whose hashes cancel has a direction too.
 *
 * @param features at most `DIMENSION` − 1 values; missing ones are zero.
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
