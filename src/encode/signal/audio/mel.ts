/** Triangular filters at equal distances on the mel scale (Stevens, Volkmann & Newman 1937; HTK's formula). */
export class MelBands {
  readonly count: number;
  /** First bin of each band. */
  readonly #first: Uint16Array;
  /** Start of each band's weights in `#weights`. */
  readonly #offset: Uint32Array;
  readonly #weights: Float64Array;

  /** Frequencies in hertz. `fftSize` and `sampleRate` define the frequencies of the bins. */
  constructor(options: { count: number; lowHz: number; highHz: number; fftSize: number; sampleRate: number }) {
    const { count, lowHz, highHz, fftSize, sampleRate } = options;
    this.count = count;
    this.#first = new Uint16Array(count);
    this.#offset = new Uint32Array(count + 1);
    const low = melOf(lowHz);
    const step = (melOf(highHz) - low) / (count + 1);
    const weights: number[] = [];
    for (let band = 0; band < count; band++) {
      const from = hertzOf(low + step * band);
      const middle = hertzOf(low + step * (band + 1));
      const to = hertzOf(low + step * (band + 2));
      const start = Math.max(1, Math.ceil((from * fftSize) / sampleRate));
      const end = Math.min(fftSize / 2, Math.floor((to * fftSize) / sampleRate));
      const own: number[] = [];
      for (let bin = start; bin <= end; bin++) {
        const hertz = (bin * sampleRate) / fftSize;
        own.push(Math.min((hertz - from) / (middle - from), (to - hertz) / (to - middle)));
      }
      // Low bands can be narrower than a bin; such a band uses the bin nearest to its centre.
      const sum = own.reduce((a, b) => a + b, 0);
      this.#first[band] = sum > 0 ? start : Math.max(1, Math.round((middle * fftSize) / sampleRate));
      // The weights sum to one, so that white noise has the same level in every band.
      weights.push(...(sum > 0 ? own.map((weight) => weight / sum) : [1]));
      this.#offset[band + 1] = weights.length;
    }
    this.#weights = Float64Array.from(weights);
  }

  /** Writes the mean power of each band to `out`, from index `at`. */
  apply(power: Float64Array, out: Float64Array, at: number): void {
    for (let band = 0; band < this.count; band++) {
      let sum = 0;
      let bin = this.#first[band]!;
      for (let w = this.#offset[band]!; w < this.#offset[band + 1]!; w++, bin++) sum += this.#weights[w]! * power[bin]!;
      out[at + band] = sum;
    }
  }
}

function melOf(hertz: number): number {
  return 2595 * Math.log10(1 + hertz / 700);
}

function hertzOf(mel: number): number {
  return 700 * (10 ** (mel / 2595) - 1);
}
