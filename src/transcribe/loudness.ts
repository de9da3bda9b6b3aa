/** Interval over which one loudness value is measured, in seconds. */
export const LOUDNESS_STEP_SEC = 0.02;
/** Maximum root mean square of silence, as a share of full scale: −60 dB. Speech is at least 30 dB louder. */
const SILENCE_RMS = 1e-3;
/** Steps over which loudness is summed to find a pause: 0.2 s. Shorter minima are closures of consonants. */
const PAUSE_STEPS = 10;

/** Root mean square of each step of `LOUDNESS_STEP_SEC`. The last step may be shorter. */
export function loudness(samples: Float32Array, sampleRate: number): Float64Array {
  const step = LOUDNESS_STEP_SEC * sampleRate;
  const edges = (i: number) => Math.min(samples.length, Math.round(i * step));
  return Float64Array.from({ length: Math.ceil(samples.length / step) }, (_, i) => {
    let sum = 0;
    for (let at = edges(i); at < edges(i + 1); at++) sum += samples[at]! ** 2;
    return Math.sqrt(sum / Math.max(1, edges(i + 1) - edges(i)));
  });
}

/** True if a root mean square is above silence. */
export function isAudible(level: number): boolean {
  return level > SILENCE_RMS;
}

/** Middle of the quietest 0.2 s, in seconds from the first level. Ties go to the earliest. */
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
