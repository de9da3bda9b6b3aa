import { PITCH_CLASSES } from './chroma.ts';
import type { Frames } from './frames.ts';
import type { Spectrogram } from './spectrogram.ts';

/** Number of pitch bins: thirds of an octave from 80 Hz. */
const HEIGHT_BINS = 15;

/**
 * Tonal features: pitch classes (Fujishima 1999); a histogram of clear pitches; statistics of clarity, flatness
 * (Johnston 1988) and pitch, with the share and the glide of voiced windows.
 */
export function tonality(frames: Frames, { weights }: Spectrogram): Float64Array[] {
  const chroma = new Float64Array(PITCH_CLASSES);
  const heights = new Float64Array(HEIGHT_BINS);
  const clarity = new Moments();
  const flatness = new Moments();
  const pitch = new Moments();
  let voiced = 0;
  let glide = 0;
  for (let t = 0; t < frames.count; t++) {
    const weight = weights[t]!;
    const clear = frames.clarity[t]!;
    const octaves = frames.pitch[t]!;
    clarity.add(clear, weight);
    flatness.add(Math.log(frames.flatness[t]! + 1e-4), weight);
    pitch.add(octaves, weight * clear * clear);
    if (t > 0 && clear > 0.5 && frames.clarity[t - 1]! > 0.5) {
      voiced += weight;
      glide += weight * Math.min(0.5, Math.abs(octaves - frames.pitch[t - 1]!));
    }
    const height = Math.min(HEIGHT_BINS - 1.001, octaves * 3);
    const lower = Math.floor(height);
    heights[lower]! += weight * clear * clear * (1 - (height - lower));
    heights[lower + 1]! += weight * clear * clear * (height - lower);
    for (let k = 0; k < PITCH_CLASSES; k++) chroma[k]! += weight * frames.chroma[t * PITCH_CLASSES + k]!;
  }
  const character = [
    clarity.mean,
    clarity.spread,
    flatness.mean,
    flatness.spread,
    pitch.mean,
    pitch.spread,
    voiced,
    glide / (voiced + 0.02),
    Math.sqrt(pitch.weight),
  ];
  return [chroma.map(Math.sqrt), heights.map(Math.sqrt), Float64Array.from(character)];
}

/** Accumulates a weighted mean and standard deviation. */
class Moments {
  weight = 1e-6;
  #sum = 0;
  #squares = 0;

  add(value: number, weight: number): void {
    this.weight += weight;
    this.#sum += weight * value;
    this.#squares += weight * value * value;
  }

  get mean(): number {
    return this.#sum / this.weight;
  }

  get spread(): number {
    return Math.sqrt(Math.max(0, this.#squares / this.weight - this.mean * this.mean));
  }
}
