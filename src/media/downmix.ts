/**
 * Phase correction for mono downmixes. A downmix is the sum of both channels, which cancels for channels in antiphase: a
 * cable with swapped poles, a faulty mix, or a "stereo widener". In each window where the difference of the channels has
 * more than a hundred times the energy of the sum, the difference replaces the sum, which inverts one channel. All other
 * samples stay bit-identical.
 */

/** Length of a window, in seconds. Ordinary stereo is in antiphase for a few milliseconds at most. */
const WINDOW_SEC = 0.5;
/** Maximum energy of a cancelled sum, relative to the energy of the difference: −20 dB. */
const MAX_CANCELLED_ENERGY_RATIO = 0.01;
/** Mean square up to which a difference is codec noise: −70 dB of full scale. */
const CODEC_NOISE_MEAN_SQUARE = 1e-7;
/** Length of the cross-fade around the border of two windows, in seconds. */
const FADE_SEC = 0.02;

/**
 * Replaces cancelled parts of a downmix with the difference of the channels. The result depends on these samples alone,
 * and not on where decoding began.
 * @param sums downmix of both channels; changed in place
 * @param sides difference of the channels, with the scale and length of `sums`
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
    // Interpolates between the windows that contain the two ends of the fade.
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
