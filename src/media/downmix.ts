/**
 * Mono from stereo is the sum of both channels. In antiphase they cancel each other: a cable with swapped poles, a
 * faulty mix or a "stereo widener" would leave silence. In each window of the sound where the difference of the channels
 * has at least a hundred times the energy of their sum, the difference stands in for it, which is the sum with one
 * channel's poles swapped back. Everywhere else samples stay as they are, bit for bit.
 */

/** Length of a window; ordinary stereo is in antiphase for single tones and some milliseconds at most. Seconds. */
const WINDOW_SEC = 0.5;
/** Energy of the sum over that of the difference, below which the sum counts as cancelled: −20 dB. */
const MAX_CANCELLED_ENERGY_RATIO = 0.01;
/** Mean square below which a difference is the noise of a codec and not sound: −70 dB of full scale. */
const CODEC_NOISE_MEAN_SQUARE = 1e-7;
/** Of the fade from one to the other, around the border of two windows. Seconds. */
const FADE_SEC = 0.02;

/**
 * Puts the difference where the sum is cancelled. Depends on these samples alone, so the same stretch comes out the same
 * wherever decoding began.
 * @param sums of both channels, mono as it is mixed by default; changed in place
 * @param sides difference of both channels, in the scale of `sums`, as many samples
 * @param sampleRate hertz
 */
export function restoreCancelled(sums: Float32Array, sides: Float32Array, sampleRate: number): void {
  const length = Math.max(1, Math.round(WINDOW_SEC * sampleRate));
  const windows = Math.max(1, Math.round(sums.length / length));
  const cancelled = Array.from({ length: windows }, (_, index) => {
    const end = index === windows - 1 ? sums.length : (index + 1) * length;
    return isCancelled(sums.subarray(index * length, end), sides.subarray(index * length, end));
  });
  if (!cancelled.includes(true)) return;
  const reach = Math.round((FADE_SEC / 2) * sampleRate);
  const weight = (window: number) => (cancelled[Math.min(windows - 1, Math.max(0, window))] ? 1 : 0);
  for (let at = 0; at < sums.length; at++) {
    // Between the windows that hold the two ends of the fade.
    const before = weight(Math.floor((at - reach) / length));
    const after = weight(Math.floor((at + reach) / length));
    if (before === 0 && after === 0) continue;
    const border = Math.round(at / length) * length;
    const share = before === after ? after : before + (after - before) * ((at - border + reach) / (2 * reach));
    sums[at] = sums[at]! + (sides[at]! - sums[at]!) * share;
  }
}

function isCancelled(sums: Float32Array, sides: Float32Array): boolean {
  const energy = energyOf(sides);
  return energy > CODEC_NOISE_MEAN_SQUARE * sides.length && energyOf(sums) < MAX_CANCELLED_ENERGY_RATIO * energy;
}

function energyOf(samples: Float32Array): number {
  let energy = 0;
  for (let i = 0; i < samples.length; i++) energy += samples[i]! * samples[i]!;
  return energy;
}
