import { peakOf, sumOf } from '../sums.ts';
import { BANDS } from './frames.ts';
import type { Spectrogram } from './spectrogram.ts';
import { WINDOWS_PER_SECOND } from './windows.ts';

/** Number of bands of lags. */
const LAG_BANDS = 24;
/** Edges of the bands of lags, in windows: 70 ms to 2 s, at equal distances in log. */
const lagEdges = Array.from({ length: LAG_BANDS + 1 }, (_, i) =>
  Math.round(WINDOWS_PER_SECOND * 0.07 * (2 / 0.07) ** (i / LAG_BANDS)),
);

/**
 * Rhythm features: autocorrelation of the onset strength (spectral flux, Bello et al. 2005; periodicity, Ellis 2007),
 * then mean, spread, skewness and peak of the onset strength.
 */
export function rhythm({ count, decibels }: Spectrogram): Float64Array {
  const onsets = new Float64Array(count);
  for (let at = BANDS; at < decibels.length; at++) {
    onsets[Math.floor(at / BANDS)]! += Math.max(0, decibels[at]! - decibels[at - BANDS]!) / BANDS;
  }
  const mean = sumOf(onsets) / count;
  const peak = peakOf(onsets);
  const deviations = onsets.map((value) => value - mean);
  let squares = 0;
  let cubes = 0;
  for (const deviation of deviations) {
    squares += deviation * deviation;
    cubes += deviation * deviation * deviation;
  }
  const spread = Math.sqrt(squares / count);
  const skewness = cubes / count / (spread ** 3 + 0.1);
  return Float64Array.from([
    ...periodicity(deviations, squares + 1e-3),
    Math.log(mean + 0.1),
    Math.log(spread + 0.1),
    skewness,
    Math.log(peak + 1),
  ]);
}

/** Maximum of the autocorrelation in each band of lags; 0 where the sound is too short. */
function periodicity(deviations: Float64Array, total: number): number[] {
  return lagEdges.slice(0, -1).map((start, i) => {
    if (start >= deviations.length) return 0;
    let best = -1;
    for (let lag = start; lag < Math.max(start + 1, lagEdges[i + 1]!); lag++) {
      best = Math.max(best, correlationAt(deviations, lag) / total);
    }
    return best;
  });
}

/** Autocorrelation at one lag, not normalised. */
function correlationAt(deviations: Float64Array, lag: number): number {
  let sum = 0;
  for (let t = lag; t < deviations.length; t++) sum += deviations[t]! * deviations[t - lag]!;
  return sum;
}
