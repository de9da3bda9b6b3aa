import { peakOf, sumOf } from '../sums.ts';
import { BANDS, type Frames } from './frames.ts';

/** Power under which nothing is heard: about the rounding noise of 16-bit samples. */
const SILENCE_POWER = 1e-6;
/** What is 70 dB under the loudest window is the noise of a codec. */
const NOISE_FLOOR_RATIO = 1e-7;

/** A sound's bands over time, as loud as if its loudest window were 0 dB: volume is no part of timbre. */
export interface Spectrogram {
  readonly count: number;
  /** count × BANDS, decibels. */
  readonly decibels: Float64Array;
  /** count, decibels: all bands together. */
  readonly levels: Float64Array;
  /** count, sum 1: pauses count for little, or clips padded with silence would all be alike. */
  readonly weights: Float64Array;
}

export function spectrogramOf({ count, power, level }: Frames): Spectrogram {
  const peak = peakOf(level);
  const floor = peak * NOISE_FLOOR_RATIO + SILENCE_POWER;
  const top = 10 * Math.log10(peak + floor);
  const levels = level.map((value) => 10 * Math.log10(value + floor) - top);
  // Full weight down to 40 dB under the loudest window, none from 60 dB on.
  const weights = levels.map((value) => Math.min(1, Math.max(0, (value + 60) / 20)) + 1e-6);
  const total = sumOf(weights);
  const decibels = new Float64Array(count * BANDS);
  for (let i = 0; i < decibels.length; i++) decibels[i] = 10 * Math.log10(power[i]! + floor) - top;
  return { count, decibels, levels, weights: weights.map((weight) => weight / total) };
}
