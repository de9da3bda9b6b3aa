import { Fft } from './fft.ts';
import { MelBands } from './mel.ts';

/** Hertz. What the analysis below expects. */
export const SAMPLE_RATE = 22050;
/** Samples. 46 ms windows every 23 ms: the usual compromise between hearing pitch and hearing attacks. */
const WINDOW = 1024;
const HOP = 512;
export const FRAMES_PER_SECOND = SAMPLE_RATE / HOP;
export const BANDS = 40;
export const CHROMA = 12;

/** Hertz. Under 50 Hz is rumble; over 7.6 kHz is what a 16 kHz copy has lost. */
const bands = new MelBands({ count: BANDS, lowHz: 50, highHz: 7600, fftSize: WINDOW, sampleRate: SAMPLE_RATE });
const fft = new Fft(WINDOW);
const hann = Float64Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW));

/** Samples. Pitch is looked for from 80 Hz to 2 kHz. */
const LONGEST_LAG = Math.floor(SAMPLE_RATE / 80);
const SHORTEST_LAG = Math.ceil(SAMPLE_RATE / 2000);
/** The window's own autocorrelation, which would otherwise favour short lags (Boersma 1993). */
const windowCorrelation = (() => {
  const own = new Float64Array(LONGEST_LAG + 2);
  for (let lag = 0; lag < own.length; lag++) {
    let sum = 0;
    for (let i = 0; i + lag < WINDOW; i++) sum += hann[i]! * hann[i + lag]!;
    own[lag] = sum;
  }
  return own.map((value) => value / own[0]!);
})();

/** Bins between which spectral peaks count as notes: under 200 Hz a bin is wider than a semitone. */
const FIRST_NOTE_BIN = Math.ceil((200 * WINDOW) / SAMPLE_RATE);
const LAST_NOTE_BIN = Math.floor((4000 * WINDOW) / SAMPLE_RATE);

/** What is measured in every window of a stretch of sound. */
export interface SoundFrames {
  readonly count: number;
  /** count × BANDS: mean power in each mel band. */
  readonly power: Float64Array;
  /** count: mean power over the band-limited spectrum. */
  readonly level: Float64Array;
  /** count: 0 (noise) to 1 (periodic), height of the best peak of the autocorrelation. */
  readonly clarity: Float64Array;
  /** count: octaves above 80 Hz of that peak. */
  readonly pitch: Float64Array;
  /** count: 0 (one tone) to 1 (white): geometric over arithmetic mean of the spectrum. */
  readonly flatness: Float64Array;
  /** count × CHROMA: share of each pitch class in the spectrum's peaks. */
  readonly chroma: Float64Array;
}

/** Cuts mono sound at SAMPLE_RATE into windows and measures each; sound shorter than a window is padded with silence. */
export function analyse(samples: Float32Array): SoundFrames {
  const count = 1 + Math.max(0, Math.floor((samples.length - WINDOW) / HOP));
  const frames: SoundFrames = {
    count,
    power: new Float64Array(count * BANDS),
    level: new Float64Array(count),
    clarity: new Float64Array(count),
    pitch: new Float64Array(count),
    flatness: new Float64Array(count),
    chroma: new Float64Array(count * CHROMA),
  };
  const re = new Float64Array(WINDOW);
  const im = new Float64Array(WINDOW);
  const first = new Float64Array(WINDOW / 2 + 1);
  const second = new Float64Array(WINDOW / 2 + 1);
  // Two real windows go through one complex transform, there and back: half the work.
  for (let frame = 0; frame < count; frame += 2) {
    const at = frame * HOP;
    for (let i = 0; i < WINDOW; i++) {
      re[i] = hann[i]! * (samples[at + i] ?? 0);
      im[i] = frame + 1 < count ? hann[i]! * samples[at + HOP + i]! : 0;
    }
    fft.transform(re, im);
    splitPowers(re, im, first, second);
    measureSpectrum(frames, frame, first);
    if (frame + 1 < count) measureSpectrum(frames, frame + 1, second);
    // The root of the power evens out formants, so that the fundamental stands out (Tolonen & Karjalainen 2000).
    for (let i = 0; i <= WINDOW / 2; i++) {
      re[i] = Math.sqrt(first[i]!);
      im[i] = Math.sqrt(second[i]!);
      if (i > 0 && i < WINDOW / 2) {
        re[WINDOW - i] = re[i]!;
        im[WINDOW - i] = im[i]!;
      }
    }
    fft.transform(re, im);
    measurePitch(frames, frame, re);
    if (frame + 1 < count) measurePitch(frames, frame + 1, im);
  }
  return frames;
}

/** Power spectra of the two real signals whose sum re + i·im was transformed. */
function splitPowers(re: Float64Array, im: Float64Array, first: Float64Array, second: Float64Array): void {
  for (let k = 0; k <= WINDOW / 2; k++) {
    const other = (WINDOW - k) % WINDOW;
    const a = re[k]! + re[other]!;
    const b = im[k]! - im[other]!;
    const c = im[k]! + im[other]!;
    const d = re[other]! - re[k]!;
    first[k] = (a * a + b * b) / 4;
    second[k] = (c * c + d * d) / 4;
  }
}

function measureSpectrum(frames: SoundFrames, frame: number, power: Float64Array): void {
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
  measureChroma(frames, frame, power);
}

/** Pitch classes of the spectrum's peaks (Fujishima 1999), each placed between bins by a parabola. */
function measureChroma(frames: SoundFrames, frame: number, power: Float64Array): void {
  const at = frame * CHROMA;
  let sum = 0;
  for (let bin = FIRST_NOTE_BIN; bin <= LAST_NOTE_BIN; bin++) {
    const here = power[bin]!;
    const before = power[bin - 1]!;
    const after = power[bin + 1]!;
    if (here <= before || here < after) continue;
    const shift = (after - before) / (2 * (2 * here - before - after));
    const hertz = ((bin + shift) * SAMPLE_RATE) / WINDOW;
    const note = 12 * Math.log2(hertz / 27.5);
    const lower = Math.floor(note);
    const strength = Math.sqrt(here);
    sum += strength;
    frames.chroma[at + (lower % CHROMA)]! += strength * (1 - (note - lower));
    frames.chroma[at + ((lower + 1) % CHROMA)]! += strength * (note - lower);
  }
  if (sum > 0) for (let i = 0; i < CHROMA; i++) frames.chroma[at + i]! /= sum;
}

/** The best peak of the autocorrelation. */
function measurePitch(frames: SoundFrames, frame: number, correlation: Float64Array): void {
  const total = correlation[0]!;
  if (total <= 1e-9) return;
  let best = 0;
  let bestLag = SHORTEST_LAG;
  let before = correlation[SHORTEST_LAG - 1]! / windowCorrelation[SHORTEST_LAG - 1]!;
  let here = correlation[SHORTEST_LAG]! / windowCorrelation[SHORTEST_LAG]!;
  for (let lag = SHORTEST_LAG; lag <= LONGEST_LAG; lag++) {
    const after = correlation[lag + 1]! / windowCorrelation[lag + 1]!;
    // A little favour for short lags, or every multiple of the period would do as well.
    const height = here - (0.05 * total * lag) / LONGEST_LAG;
    if (here > before && here >= after && height > best) {
      best = height;
      bestLag = lag;
    }
    before = here;
    here = after;
  }
  frames.clarity[frame] = Math.min(1, Math.max(0, best / total));
  frames.pitch[frame] = Math.log2(SAMPLE_RATE / bestLag / 80);
}
