import { DIMENSION } from '../encoder.ts';
import { normOf } from '../vectors.ts';

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
  // The division in `toUnit` rounds differently in rare cases: revision 1 of the bundle is defined by this product.
  const scale = 1 / normOf(vector);
  for (let i = 0; i < DIMENSION; i++) vector[i]! *= scale;
  return vector;
}
