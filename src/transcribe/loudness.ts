/** Length of the stretches whose loudness is measured, in seconds. */
export const LOUDNESS_STEP_SEC = 0.02;
/** Stretches softer than this count as silence: −60 dB of full scale. Speech lies 30 dB and more above it. */
const SILENCE_RMS = 1e-3;
/** Stretches over which loudness is averaged to find a pause: less is the closure of a consonant. */
const PAUSE_STEPS = 10;

/** Root mean square of each stretch of `LOUDNESS_STEP_SEC`; what is left over at the end is a stretch too. */
export function loudness(samples: Float32Array, sampleRate: number): Float64Array {
  const step = LOUDNESS_STEP_SEC * sampleRate;
  const edges = (i: number) => Math.min(samples.length, Math.round(i * step));
  return Float64Array.from({ length: Math.ceil(samples.length / step) }, (_, i) => {
    let sum = 0;
    for (let at = edges(i); at < edges(i + 1); at++) sum += samples[at]! ** 2;
    return Math.sqrt(sum / Math.max(1, edges(i + 1) - edges(i)));
  });
}

/** Whether anything can be heard. */
export function isAudible(level: number): boolean {
  return level > SILENCE_RMS;
}

/** The middle of the quietest 0.2 s, in seconds from the start; the earliest of several. */
export function quietestSec(levels: Float64Array): number {
  if (levels.length <= PAUSE_STEPS) return (levels.length * LOUDNESS_STEP_SEC) / 2;
  let best = { sum: Number.POSITIVE_INFINITY, at: 0 };
  for (let at = 0; at + PAUSE_STEPS <= levels.length; at++) {
    let sum = 0;
    for (let i = at; i < at + PAUSE_STEPS; i++) sum += levels[i]! ** 2;
    if (sum < best.sum) best = { sum, at };
  }
  return (best.at + PAUSE_STEPS / 2) * LOUDNESS_STEP_SEC;
}
