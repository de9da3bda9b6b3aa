import { Fft } from '../dsp/fft.ts';

/** Lower bound of the power: −100 dB. */
const MIN_POWER = 1e-10;

/**
 * Mel spectrograms in decibels, as audio models expect them: periodic Hann window; frames centred on every `hop`-th
 * sample, with reflection at both ends; power; triangular bands; 10 · log10. The mel scale is O'Shaughnessy's (`htk`)
 * or Slaney's (linear up to 1 kHz, logarithmic above: Auditory Toolbox, 1998).
 */
export class LogMel {
  readonly bands: number;
  readonly #hop: number;
  readonly #fft: Fft;
  readonly #window: Float64Array;
  readonly #filters: readonly { readonly first: number; readonly weights: Float64Array }[];

  constructor(options: {
    sampleRate: number;
    frame: number;
    hop: number;
    bands: number;
    lowHz: number;
    highHz: number;
    scale: 'slaney' | 'htk';
    area: 'slaney' | 'none';
  }) {
    const { frame, hop, bands } = options;
    this.bands = bands;
    this.#hop = hop;
    this.#fft = new Fft(frame);
    this.#window = Float64Array.from({ length: frame }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / frame));
    this.#filters = melFilters(options);
  }

  /** Number of frames for a number of samples. */
  frames(samples: number): number {
    return 1 + Math.floor(samples / this.#hop);
  }

  /** Writes the spectrogram of `samples` to `out`: frames × bands. */
  measure(samples: Float32Array, out: Float32Array): void {
    const { size } = this.#fft;
    const re = new Float64Array(size);
    const im = new Float64Array(size);
    const power = new Float64Array(size / 2 + 1);
    const frames = this.frames(samples.length);
    // One transform handles two frames, as its real and imaginary parts.
    for (let frame = 0; frame < frames; frame += 2) {
      this.#fill(re, samples, frame);
      if (frame + 1 < frames) this.#fill(im, samples, frame + 1);
      else im.fill(0);
      this.#fft.transform(re, im);
      for (let second = 0; second < 2 && frame + second < frames; second++) {
        splitPower({ re, im, second: second === 1, power });
        this.#write(power, out.subarray((frame + second) * this.bands));
      }
    }
  }

  #fill(to: Float64Array, samples: Float32Array, frame: number): void {
    const { size } = this.#fft;
    const start = frame * this.#hop - size / 2;
    for (let i = 0; i < size; i++) to[i] = samples[reflected(start + i, samples.length)]! * this.#window[i]!;
  }

  #write(power: Float64Array, out: Float32Array): void {
    for (const [band, { first, weights }] of this.#filters.entries()) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += power[first + i]! * weights[i]!;
      out[band] = 10 * Math.log10(Math.max(MIN_POWER, sum));
    }
  }
}

/** Power spectrum of one of two real signals that were transformed together. */
function splitPower({
  re,
  im,
  second,
  power,
}: {
  re: Float64Array;
  im: Float64Array;
  second: boolean;
  power: Float64Array;
}): void {
  const size = re.length;
  const sign = second ? -1 : 1;
  for (let bin = 0; bin < power.length; bin++) {
    const other = (size - bin) % size;
    const a = re[bin]! + sign * re[other]!;
    const b = im[bin]! - sign * im[other]!;
    power[bin] = (a * a + b * b) / 4;
  }
}

/** Index of a sample after reflection at both ends, without repeating the end samples. */
function reflected(index: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const at = ((index % period) + period) % period;
  return at < length ? at : period - at;
}

/** Triangular mel filters: the first bin with a weight, and the weights from there on. */
function melFilters(options: {
  sampleRate: number;
  frame: number;
  bands: number;
  lowHz: number;
  highHz: number;
  scale: 'slaney' | 'htk';
  area: 'slaney' | 'none';
}): { first: number; weights: Float64Array }[] {
  const { sampleRate, frame, bands, lowHz, highHz, scale, area } = options;
  const [toMel, toHertz] = scale === 'htk' ? [htkMel, htkHertz] : [slaneyMel, slaneyHertz];
  const low = toMel(lowHz);
  const step = (toMel(highHz) - low) / (bands + 1);
  const edges = Array.from({ length: bands + 2 }, (_, i) => toHertz(low + i * step));
  return Array.from({ length: bands }, (_, band) => {
    const [from, middle, to] = [edges[band]!, edges[band + 1]!, edges[band + 2]!];
    const height = area === 'slaney' ? 2 / (to - from) : 1;
    const all = Float64Array.from({ length: frame / 2 + 1 }, (_, bin) => {
      const hertz = (bin * sampleRate) / frame;
      return height * Math.max(0, Math.min((hertz - from) / (middle - from), (to - hertz) / (to - middle)));
    });
    const first = Math.max(
      0,
      all.findIndex((weight) => weight > 0),
    );
    return { first, weights: all.slice(first, all.findLastIndex((weight) => weight > 0) + 1) };
  });
}

const htkMel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
const htkHertz = (mel: number) => 700 * (10 ** (mel / 2595) - 1);

/** Mels at 1 kHz, where Slaney's scale changes from linear to logarithmic. */
const SLANEY_BREAK_MEL = 15;
/** Mels per factor of e above 1 kHz in Slaney's scale. */
const SLANEY_MELS_PER_E = 27 / Math.log(6.4);
const slaneyMel = (hertz: number) =>
  hertz < 1000 ? (3 * hertz) / 200 : SLANEY_BREAK_MEL + Math.log(hertz / 1000) * SLANEY_MELS_PER_E;
const slaneyHertz = (mel: number) =>
  mel < SLANEY_BREAK_MEL ? (200 * mel) / 3 : 1000 * Math.exp((mel - SLANEY_BREAK_MEL) / SLANEY_MELS_PER_E);
