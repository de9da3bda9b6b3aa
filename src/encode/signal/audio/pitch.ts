import { SAMPLE_RATE, WINDOW_SAMPLES, window } from './windows.ts';

/** Hertz. The voices of people, animals, engines and most instruments. */
const MIN_PITCH_HZ = 80;
const MAX_PITCH_HZ = 2000;
/** Lags are steps at half the rate of the sound. */
const LAG_RATE_HZ = SAMPLE_RATE / 2;
const MAX_LAG = Math.floor(LAG_RATE_HZ / MIN_PITCH_HZ);
const MIN_LAG = Math.ceil(LAG_RATE_HZ / MAX_PITCH_HZ);

/** One over the window's own autocorrelation, which would otherwise favour short lags (Boersma 1993). */
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
 * The best peak of an autocorrelation, placed between lags by a parabola.
 *
 * @returns clarity, 0 (noise) to 1 (periodic), and octaves above 80 Hz
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
    // A little favour for short lags, or every multiple of the period would do as well.
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
