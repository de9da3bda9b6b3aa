import { Fft } from '../../dsp/fft.ts';

/** How strongly something varies within a band of frequencies. */
export interface Variation {
  /** Power per frequency. */
  readonly mean: number;
  /** Of the strongest frequency. */
  readonly peak: number;
  /** Hertz. */
  readonly peakHz: number;
}

/** Analyses how values that change over time vary: fast or slow, steadily or not. */
export class EnvelopeSpectrum {
  readonly #fft: Fft;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #rate: number;
  readonly #bins: readonly number[];

  /**
   * @param size values at most, a power of two; more are left out
   * @param rate values per second
   * @param edgesHz between which the bands of frequencies lie
   */
  constructor(size: number, rate: number, edgesHz: readonly number[]) {
    this.#fft = new Fft(size);
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
    this.#rate = rate;
    this.#bins = edgesHz.map((hertz) => Math.ceil((hertz * size) / rate));
  }

  /** One variation for each band of frequencies. */
  measure(envelope: Float64Array): Variation[] {
    const re = this.#re.fill(0);
    const im = this.#im.fill(0);
    const count = Math.min(envelope.length, re.length);
    let mean = 0;
    for (let t = 0; t < count; t++) mean += envelope[t]! / count;
    for (let t = 0; t < count; t++) {
      re[t] = (envelope[t]! - mean) * (0.5 - 0.5 * Math.cos((2 * Math.PI * (t + 0.5)) / count));
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
