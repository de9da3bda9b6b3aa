import { WeightedMean } from '../tasks/results/mean.ts';

/**
 * Several things looked for at once, as one vector: the mean of their unit vectors, each of equal weight, brought back
 * to length 1. It is near to what is near to all of them.
 */
export function compose(vectors: readonly Float32Array[]): Float32Array {
  if (vectors.length === 1) return vectors[0]!;
  const mean = new WeightedMean();
  for (const vector of vectors) mean.add(vector, 1);
  return mean.get();
}
