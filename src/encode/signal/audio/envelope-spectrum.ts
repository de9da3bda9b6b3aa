import { Fft } from '../../dsp/fft.ts';
import { hann } from '../../dsp/window.ts';

/** Modulation of an envelope within a band of modulation frequencies. */
export interface Variation {
  /** Mean power per bin. */
  readonly mean: number;
  /** Power of the strongest bin. */
  readonly peak: number;
  /** Frequency of the strongest bin, in hertz. */
  readonly peakHz: number;
}

/** Modulation spectrum of an envelope, in bands of modulation frequencies. */
export class EnvelopeSpectrum {
  readonly #fft: Fft;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #rate: number;
  readonly #bins: readonly number[];

  /**
   * @param size maximum number of values, a power of two; further values are ignored
   * @param rate values per second
   * @param edgesHz edges of the bands, ascending, in hertz
   */
  constructor(size: number, rate: number, edgesHz: readonly number[]) {
    this.#fft = new Fft(size);
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
    this.#rate = rate;
    this.#bins = edgesHz.map((hertz) => Math.ceil((hertz * size) / rate));
  }

  /** Modulation of `envelope` in each band, after subtraction of the mean and a Hann window. */
  measure(envelope: Float64Array): Variation[] {
    const re = this.#re.fill(0);
    const im = this.#im.fill(0);
    const count = Math.min(envelope.length, re.length);
    let mean = 0;
    for (let t = 0; t < count; t++) mean += envelope[t]! / count;
    for (let t = 0; t < count; t++) {
      re[t] = (envelope[t]! - mean) * hann(t + 0.5, count);
    }
    this.#fft.transform(re, im);
    return this.#bins.slice(1).map((end, band) => {
      const start = this.#bins[band]!;
      let sum = 0;
      let peak = 0;
      let peakBin = start;
      for (let bin = start; bin < end; bin++) {
        const power = (re[bin]! * re[bin]! + im[bin]! * im[bin]!) / count;
        sum += power;
        if (power > peak) {
          peak = power;
          peakBin = bin;
        }
      }
      return { mean: sum / (end - start), peak, peakHz: (peakBin * this.#rate) / re.length };
    });
  }
}
