import { squaresOf } from './sums.ts';

/** What is usual for each feature; learnt from media, see docs/encoders.md. */
export interface FeatureStatistics {
  readonly mean: readonly number[];
  readonly spread: readonly number[];
}

/** A feature this many spreads from its mean is an outlier and says no more by being further. */
const MAX_SPREADS = 3;

/** Features as deviations from what is usual, in units of their own spread; what is not known (NaN) is as usual. */
export function standardise(features: ArrayLike<number>, { mean, spread }: FeatureStatistics): Float64Array {
  const out = new Float64Array(mean.length);
  for (let i = 0; i < mean.length; i++) {
    const feature = features[i]!;
    if (!Number.isNaN(feature))
      out[i] = Math.min(MAX_SPREADS, Math.max(-MAX_SPREADS, (feature - mean[i]!) / spread[i]!));
  }
  return out;
}

/**
 * Weighs standardised features so that each topic counts about the same: however many numbers it has, and even where a
 * clip is unusual in one of them, as a black picture is in its texture.
 *
 * @param lengths features in each topic, in order
 */
export function balanceTopics(features: Float64Array, lengths: readonly number[]): Float64Array {
  const out = Float64Array.from(features);
  let at = 0;
  for (const length of lengths) {
    const topic = out.subarray(at, at + length);
    at += length;
    const scale = 1 / Math.sqrt(length + squaresOf(topic));
    for (let i = 0; i < length; i++) topic[i]! *= scale;
  }
  return out;
}
