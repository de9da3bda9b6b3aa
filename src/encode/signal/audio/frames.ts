import { Fft, splitPowers } from '../../dsp/fft.ts';
import { MelBands } from '../../dsp/mel.ts';
import { chromaOf, PITCH_CLASSES } from './chroma.ts';
import { findPitch } from './pitch.ts';
import { HOP_SAMPLES, SAMPLE_RATE, WINDOW_SAMPLES, window } from './windows.ts';

/** Number of mel bands. */
export const BANDS = 40;

/** Mel bands from 50 Hz, below which is rumble, to 7.6 kHz, above which a copy at 16 kHz has no sound. */
const bands = new MelBands({
  count: BANDS,
  lowHz: 50,
  highHz: 7600,
  fftSize: WINDOW_SAMPLES,
  sampleRate: SAMPLE_RATE,
  scale: 'htk',
  weights: 'sum',
});
const fft = new Fft(WINDOW_SAMPLES);
const correlationFft = new Fft(WINDOW_SAMPLES / 2);

/** Measurements of each window of a clip. */
export interface Frames {
  /** Number of windows. */
  readonly count: number;
  /** count × BANDS: mean power in each mel band. */
  readonly power: Float64Array;
  /** count: mean power over all bands. */
  readonly level: Float64Array;
  /** count: spectral flatness from 0 (pure tone) to 1 (white noise): geometric mean / arithmetic mean of the bands. */
  readonly flatness: Float64Array;
  /** count: periodicity from 0 (noise) to 1 (periodic). */
  readonly clarity: Float64Array;
  /** count: pitch, in octaves above 80 Hz. */
  readonly pitch: Float64Array;
  /** count × PITCH_CLASSES: share of each pitch class in the spectrum's peaks. */
  readonly chroma: Float64Array;
}

/** Measures each window of mono sound at `SAMPLE_RATE`. Sound shorter than a window is padded with silence. */
export function analyse(samples: Float32Array): Frames {
  const count = 1 + Math.max(0, Math.floor((samples.length - WINDOW_SAMPLES) / HOP_SAMPLES));
  const frames: Frames = {
    count,
    power: new Float64Array(count * BANDS),
    level: new Float64Array(count),
    flatness: new Float64Array(count),
    clarity: new Float64Array(count),
    pitch: new Float64Array(count),
    chroma: new Float64Array(count * PITCH_CLASSES),
  };
  const re = new Float64Array(WINDOW_SAMPLES);
  const im = new Float64Array(WINDOW_SAMPLES);
  const correlation = new Float64Array(WINDOW_SAMPLES / 2);
  const other = new Float64Array(WINDOW_SAMPLES / 2);
  const first = new Float64Array(WINDOW_SAMPLES / 2 + 1);
  const second = new Float64Array(WINDOW_SAMPLES / 2 + 1);
  // One complex transform handles two real windows, in both directions, which halves the work.
  for (let frame = 0; frame < count; frame += 2) {
    const hasSecond = frame + 1 < count;
    fill(re, samples, frame * HOP_SAMPLES);
    if (hasSecond) fill(im, samples, (frame + 1) * HOP_SAMPLES);
    else im.fill(0);
    fft.transform(re, im);
    splitPowers(re, im, first, second);
    measureSpectrum(frames, frame, first);
    if (hasSecond) measureSpectrum(frames, frame + 1, second);
    // The square root of the power flattens formants, so that the fundamental dominates (Tolonen & Karjalainen 2000).
    mirrorRoots(first, correlation);
    mirrorRoots(second, other);
    correlationFft.transform(correlation, other);
    measurePitch(frames, frame, correlation);
    if (hasSecond) measurePitch(frames, frame + 1, other);
  }
  return frames;
}

/** Copies a window from sample `at`, weighted and padded with silence. */
function fill(out: Float64Array, samples: Float32Array, at: number): void {
  const end = Math.min(WINDOW_SAMPLES, samples.length - at);
  for (let i = 0; i < end; i++) out[i] = window[i]! * samples[at + i]!;
  out.fill(0, Math.max(0, end));
}

/**
 * Symmetric spectrum of square roots. Only the lower half is used: its autocorrelation is that of sound at half the
 * rate.
 */
function mirrorRoots(power: Float64Array, out: Float64Array): void {
  for (let k = 0; k <= WINDOW_SAMPLES / 4; k++) out[k] = Math.sqrt(power[k]!);
  for (let k = 1; k < WINDOW_SAMPLES / 4; k++) out[WINDOW_SAMPLES / 2 - k] = out[k]!;
}

function measureSpectrum(frames: Frames, frame: number, power: Float64Array): void {
  bands.apply(power, frames.power, frame * BANDS);
  let sum = 0;
  let logs = 0;
  for (let band = 0; band < BANDS; band++) {
    const value = frames.power[frame * BANDS + band]!;
    sum += value;
    logs += Math.log(value + 1e-12);
  }
  frames.level[frame] = sum / BANDS;
  frames.flatness[frame] = Math.exp(logs / BANDS) / (sum / BANDS + 1e-12);
  chromaOf(power, frames.chroma, frame * PITCH_CLASSES);
}

function measurePitch(frames: Frames, frame: number, correlation: Float64Array): void {
  const { clarity, octaves } = findPitch(correlation);
  frames.clarity[frame] = clarity;
  frames.pitch[frame] = octaves;
}
