import { SAMPLE_RATE, WINDOW_SAMPLES, window } from './windows.ts';

/** Lowest detected pitch, in hertz. The range covers voices, animals, engines and most instruments. */
const MIN_PITCH_HZ = 80;
/** Highest detected pitch, in hertz. */
const MAX_PITCH_HZ = 2000;
/** Lags per second: half the sample rate. */
const LAG_RATE_HZ = SAMPLE_RATE / 2;
/** Longest lag, that of the lowest pitch. */
const MAX_LAG = Math.floor(LAG_RATE_HZ / MIN_PITCH_HZ);
/** Shortest lag, that of the highest pitch. */
const MIN_LAG = Math.ceil(LAG_RATE_HZ / MAX_PITCH_HZ);

/** Reciprocal of the window's autocorrelation, by lag. Corrects the bias towards short lags (Boersma 1993). */
const correction = Float64Array.from({ length: MAX_LAG + 2 }, (_, lag) => {
  let own = 0;
  let whole = 0;
  for (let i = 0; i < WINDOW_SAMPLES; i++) {
    own += window[i]! * (window[i + 2 * lag] ?? 0);
    whole += window[i]! * window[i]!;
  }
  return whole / own;
});

/**
 * Finds the pitch at the highest peak of an autocorrelation, with parabolic interpolation between lags.
 *
 * @returns clarity from 0 (noise) to 1 (periodic), and the pitch in octaves above 80 Hz
 */
export function findPitch(correlation: Float64Array): { clarity: number; octaves: number } {
  const total = correlation[0]!;
  if (total <= 1e-9) return { clarity: 0, octaves: 0 };
  let best = 0;
  let bestLag = MAX_LAG;
  let before = correlation[MIN_LAG - 1]! * correction[MIN_LAG - 1]!;
  let here = correlation[MIN_LAG]! * correction[MIN_LAG]!;
  for (let lag = MIN_LAG; lag <= MAX_LAG; lag++) {
    const after = correlation[lag + 1]! * correction[lag + 1]!;
    // Short lags get a small bonus, because all multiples of the period have similar peaks.
    const height = here - (0.05 * total * lag) / MAX_LAG;
    if (here > before && here >= after && height > best) {
      best = height;
      bestLag = lag + (after - before) / (2 * (2 * here - before - after));
    }
    before = here;
    here = after;
  }
  return { clarity: Math.min(1, best / total), octaves: Math.max(0, Math.log2(LAG_RATE_HZ / bestLag / MIN_PITCH_HZ)) };
}
