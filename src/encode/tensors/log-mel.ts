import { Fft, splitPowers } from '../dsp/fft.ts';
import { MelBands, type MelOptions } from '../dsp/mel.ts';
import { hannWindow } from '../dsp/window.ts';

/** Lower bound of the power: −100 dB. */
const MIN_POWER = 1e-10;

/**
 * Mel spectrograms in decibels, as audio models expect them: periodic Hann window; frames centred on every `hop`-th
 * sample, with reflection at both ends; power; mel bands; 10 · log10.
 */
export class LogMel {
  readonly #hop: number;
  readonly #fft: Fft;
  readonly #window: Float64Array;
  readonly #bands: MelBands;

  /** @param options.hop distance between frames, in samples. A frame is as long as the transform. */
  constructor({ hop, ...options }: MelOptions & { hop: number }) {
    this.#hop = hop;
    this.#fft = new Fft(options.fftSize);
    this.#window = hannWindow(options.fftSize);
    this.#bands = new MelBands(options);
  }

  /** Number of bands. */
  get bands(): number {
    return this.#bands.count;
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
    const powers = [new Float64Array(size / 2 + 1), new Float64Array(size / 2 + 1)] as const;
    const frames = this.frames(samples.length);
    // One transform handles two frames, as its real and imaginary parts.
    for (let frame = 0; frame < frames; frame += 2) {
      const hasSecond = frame + 1 < frames;
      this.#fill(re, samples, frame);
      if (hasSecond) this.#fill(im, samples, frame + 1);
      else im.fill(0);
      this.#fft.transform(re, im);
      splitPowers(re, im, ...powers);
      this.#write(powers[0], out.subarray(frame * this.bands));
      if (hasSecond) this.#write(powers[1], out.subarray((frame + 1) * this.bands));
    }
  }

  #fill(to: Float64Array, samples: Float32Array, frame: number): void {
    const { size } = this.#fft;
    const start = frame * this.#hop - size / 2;
    for (let i = 0; i < size; i++) to[i] = samples[reflected(start + i, samples.length)]! * this.#window[i]!;
  }

  #write(power: Float64Array, out: Float32Array): void {
    const sums = new Float64Array(this.bands);
    this.#bands.apply(power, sums, 0);
    for (let band = 0; band < sums.length; band++) out[band] = 10 * Math.log10(Math.max(MIN_POWER, sums[band]!));
  }
}

/** Index of a sample after reflection at both ends, without repeating the end samples. */
function reflected(index: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const at = ((index % period) + period) % period;
  return at < length ? at : period - at;
}
