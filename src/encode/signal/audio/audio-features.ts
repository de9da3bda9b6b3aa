import { dynamics, loudness } from './dynamics.ts';
import { analyse } from './frames.ts';
import { modulation } from './modulation.ts';
import { rhythm } from './rhythm.ts';
import { spectrogramOf } from './spectrogram.ts';
import { cepstralVariation, timbre } from './timbre.ts';
import { tonality } from './tonality.ts';
import { transients } from './transients.ts';

/**
 * Audio features of a clip, by topic. The number of features is independent of the clip.
 *
 * @param samples mono, at `SAMPLE_RATE`
 */
export function audioFeatures(samples: Float32Array): Float64Array[] {
  const frames = analyse(samples);
  const spectrogram = spectrogramOf(frames);
  const bands = timbre(spectrogram);
  return [
    ...bands,
    cepstralVariation(spectrogram, bands[0]!),
    modulation(spectrogram),
    rhythm(spectrogram),
    dynamics(spectrogram),
    ...tonality(frames, spectrogram),
    loudness(frames),
    ...transients(samples),
  ];
}
