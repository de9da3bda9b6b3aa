import { WeightedMean } from '../tasks/results/mean.ts';

/**
 * Combines vectors into one: their mean with equal weights, normalised to length 1. It is close to whatever is close to
 * all of them.
 */
export function compose(vectors: readonly Float32Array[]): Float32Array {
  if (vectors.length === 1) return vectors[0]!;
  const mean = new WeightedMean();
  for (const vector of vectors) mean.add(vector, 1);
  return mean.get();
}
