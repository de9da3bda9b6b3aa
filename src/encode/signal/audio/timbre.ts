import { cosineRow } from '../../dsp/dct.ts';
import { BANDS } from './frames.ts';
import type { Spectrogram } from './spectrogram.ts';

/** Number of cepstral coefficients. */
const CEPSTRAL_COEFFICIENTS = 13;
/** Rows of the discrete cosine transform from log spectra to cepstra. */
const cosines = Array.from({ length: CEPSTRAL_COEFFICIENTS }, (_, k) => cosineRow(k, BANDS));

/** Mean, standard deviation and mean change between windows of each mel band, in decibels. */
export function timbre({ count, decibels, weights }: Spectrogram): Float64Array[] {
  const mean = new Float64Array(BANDS);
  const variance = new Float64Array(BANDS);
  const change = new Float64Array(BANDS);
  for (let t = 0; t < count; t++) {
    for (let band = 0; band < BANDS; band++) mean[band]! += weights[t]! * decibels[t * BANDS + band]!;
  }
  for (let t = 0; t < count; t++) {
    for (let band = 0; band < BANDS; band++) {
      const at = t * BANDS + band;
      const deviation = decibels[at]! - mean[band]!;
      variance[band]! += weights[t]! * deviation * deviation;
      if (t > 0) change[band]! += weights[t]! * Math.abs(decibels[at]! - decibels[at - BANDS]!);
    }
  }
  return [mean, variance.map(Math.sqrt), change];
}

/**
 * Covariation of mel cepstra (Davis & Mermelstein 1980): for each coefficient its correlations with the lower ones, the
 * log of its spread, and the log of its mean change. Distinguishes textures with similar means (Mandel & Ellis 2005).
 *
 * @param mean mean of each band, from `timbre`
 */
export function cepstralVariation({ count, decibels, weights }: Spectrogram, mean: Float64Array): Float64Array {
  const products = new Float64Array(CEPSTRAL_COEFFICIENTS * CEPSTRAL_COEFFICIENTS);
  const changes = new Float64Array(CEPSTRAL_COEFFICIENTS);
  const cepstrum = new Float64Array(CEPSTRAL_COEFFICIENTS);
  const before = new Float64Array(CEPSTRAL_COEFFICIENTS);
  for (let t = 0; t < count; t++) {
    for (let k = 0; k < CEPSTRAL_COEFFICIENTS; k++) {
      const row = cosines[k]!;
      let value = 0;
      for (let band = 0; band < BANDS; band++) value += row[band]! * (decibels[t * BANDS + band]! - mean[band]!);
      cepstrum[k] = value;
      if (t > 0) changes[k]! += weights[t]! * Math.abs(value - before[k]!);
      for (let l = 0; l <= k; l++) products[k * CEPSTRAL_COEFFICIENTS + l]! += weights[t]! * value * cepstrum[l]!;
    }
    before.set(cepstrum);
  }
  // 0.3 dB is added to each spread, because correlations of nearly constant coefficients are inaudible.
  const spreads = Float64Array.from(cepstrum, (_, k) => Math.sqrt(products[k * CEPSTRAL_COEFFICIENTS + k]!) + 0.3);
  const out: number[] = [];
  for (let k = 0; k < CEPSTRAL_COEFFICIENTS; k++) {
    for (let l = 0; l < k; l++) out.push(products[k * CEPSTRAL_COEFFICIENTS + l]! / (spreads[k]! * spreads[l]!));
    out.push(Math.log(spreads[k]!), Math.log(changes[k]! + 0.1));
  }
  return Float64Array.from(out);
}
