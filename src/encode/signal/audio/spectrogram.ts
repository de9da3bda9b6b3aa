import { peakOf, sumOf } from '../sums.ts';
import { BANDS, type Frames } from './frames.ts';

/** Power of silence: about the rounding noise of 16-bit samples. */
const SILENCE_POWER = 1e-6;
/** Noise floor relative to the loudest window: −70 dB, below which is codec noise. */
const NOISE_FLOOR_RATIO = 1e-7;

/** Mel spectrogram of a clip, relative to its loudest window (0 dB), so that timbre is independent of volume. */
export interface Spectrogram {
  /** Number of windows. */
  readonly count: number;
  /** count × BANDS: level of each band, in decibels. */
  readonly decibels: Float64Array;
  /** count: level of all bands together, in decibels. */
  readonly levels: Float64Array;
  /**
   * count, sum 1: weight of each window. Pauses weigh little; otherwise all clips padded with silence would be alike.
   */
  readonly weights: Float64Array;
}

/** Spectrogram from the band powers of `frames`. */
export function spectrogramOf({ count, power, level }: Frames): Spectrogram {
  const peak = peakOf(level);
  const floor = peak * NOISE_FLOOR_RATIO + SILENCE_POWER;
  const top = 10 * Math.log10(peak + floor);
  const levels = level.map((value) => 10 * Math.log10(value + floor) - top);
  // Full weight above −40 dB, almost none below −60 dB.
  const weights = levels.map((value) => Math.min(1, Math.max(0, (value + 60) / 20)) + 1e-6);
  const total = sumOf(weights);
  const decibels = new Float64Array(count * BANDS);
  for (let i = 0; i < decibels.length; i++) decibels[i] = 10 * Math.log10(power[i]! + floor) - top;
  return { count, decibels, levels, weights: weights.map((weight) => weight / total) };
}
