import { EnvelopeSpectrum } from './envelope-spectrum.ts';
import { BANDS } from './frames.ts';
import type { Spectrogram } from './spectrogram.ts';
import { WINDOWS_PER_SECOND } from './windows.ts';

const BAND_GROUPS = 10;
const BANDS_PER_GROUP = BANDS / BAND_GROUPS;
/** Hertz. From the pace of music and speech up to half the rate of windows. */
const RATE_EDGES_HZ = [0.5, 1, 1.6, 2.5, 4, 6, 9, 14, 21];
/** Windows, 11.9 s. */
const MAX_WINDOWS = 512;
const spectrum = new EnvelopeSpectrum(MAX_WINDOWS, WINDOWS_PER_SECOND, RATE_EDGES_HZ);

/** How fast ten groups of bands, and all together, grow louder and softer (McKinney & Breebaart 2003). */
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
