import { squaresOf } from './sums.ts';

/** Mean and standard deviation of each feature over the training media; see `docs/encoders.md`. */
export interface FeatureStatistics {
  readonly mean: readonly number[];
  readonly spread: readonly number[];
}

/** Standardised features are clipped to ± this number of spreads, which bounds the influence of outliers. */
const MAX_SPREADS = 3;

/**
 * Standardises features: deviation from the mean in units of the spread, clipped. NaN (unknown) becomes 0, the mean.
 */
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
 * Balances topics (groups of features): scales each to a similar norm, independent of its number of features and of how
 * unusual the clip is in it, such as a black picture in its texture.
 *
 * @param lengths number of features per topic, in order
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
