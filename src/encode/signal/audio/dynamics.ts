import { peakOf, sumOf } from '../sums.ts';
import type { Frames } from './frames.ts';
import type { Spectrogram } from './spectrogram.ts';

/** Number of histogram bins, 6 dB each, below the loudest window. */
const LEVEL_STEPS = 11;

/**
 * Level histogram below the loudest window (roots of shares), and the log of the number of rises over 6 dB within 46
 * ms.
 */
export function dynamics({ count, levels }: Spectrogram): Float64Array {
  const shares = new Float64Array(LEVEL_STEPS);
  let rises = 0;
  for (let t = 0; t < count; t++) {
    const step = Math.min(LEVEL_STEPS - 1.001, Math.max(0, -levels[t]! / 6));
    const lower = Math.floor(step);
    shares[lower]! += (1 - (step - lower)) / count;
    shares[lower + 1]! += (step - lower) / count;
    if (t > 1 && levels[t]! > levels[t - 2]! + 6) rises++;
  }
  return Float64Array.from([...shares.map(Math.sqrt), Math.log(rises + 1)]);
}

/** Mean power and crest, in decibels. The only features that depend on the volume of the recording. */
export function loudness({ count, level }: Frames): Float64Array {
  const mean = sumOf(level) / count;
  const peak = peakOf(level);
  return Float64Array.of(10 * Math.log10(mean + 1e-6), 10 * Math.log10((peak + 1e-6) / (mean + 1e-6)));
}
