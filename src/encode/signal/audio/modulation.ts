import { EnvelopeSpectrum } from './envelope-spectrum.ts';
import { BANDS } from './frames.ts';
import type { Spectrogram } from './spectrogram.ts';
import { WINDOWS_PER_SECOND } from './windows.ts';

/** Number of groups of adjacent mel bands. */
const BAND_GROUPS = 10;
/** Number of mel bands per group. */
const BANDS_PER_GROUP = BANDS / BAND_GROUPS;
/**
 * Edges of the bands of modulation frequencies, in hertz: from the tempo of music and speech to half the window rate.
 */
const RATE_EDGES_HZ = [0.5, 1, 1.6, 2.5, 4, 6, 9, 14, 21];
/** Maximum length of an envelope, in windows: 11.9 s. */
const MAX_WINDOWS = 512;
const spectrum = new EnvelopeSpectrum(MAX_WINDOWS, WINDOWS_PER_SECOND, RATE_EDGES_HZ);

/** Modulation spectra of the level in ten groups of bands and overall (McKinney & Breebaart 2003). */
export function modulation({ count, decibels }: Spectrogram): Float64Array {
  const envelopes = Array.from({ length: BAND_GROUPS + 1 }, () => new Float64Array(count));
  for (let t = 0; t < count; t++) {
    for (let band = 0; band < BANDS; band++) {
      const value = decibels[t * BANDS + band]!;
      envelopes[Math.floor(band / BANDS_PER_GROUP)]![t]! += value / BANDS_PER_GROUP;
      envelopes[BAND_GROUPS]![t]! += value / BANDS;
    }
  }
  return Float64Array.from(
    envelopes.flatMap((envelope) => spectrum.measure(envelope).map(({ mean }) => Math.log(mean + 1))),
  );
}
