/** Mel scale: O'Shaughnessy's (`htk`), or Slaney's (linear up to 1 kHz, logarithmic above: Auditory Toolbox, 1998). */
type MelScale = 'htk' | 'slaney';

/** Options of `MelBands`. */
export interface MelOptions {
  /** Number of bands. */
  readonly count: number;
  /** Lower edge of the first band, in hertz. */
  readonly lowHz: number;
  /** Upper edge of the last band, in hertz. */
  readonly highHz: number;
  /** Size of the Fourier transform, in samples. */
  readonly fftSize: number;
  /** Sample rate, in hertz. */
  readonly sampleRate: number;
  readonly scale: MelScale;
  /**
   * Normalisation of a band's weights: to a height of 1 (`peak`), to an area of 1 over hertz (`slaney`), or to a sum of 1
   * (`sum`), so that white noise has the same level in every band. With `sum`, a band narrower than a bin uses
   * the bin nearest to its centre; otherwise it stays empty.
   */
  readonly weights: 'peak' | 'slaney' | 'sum';
}

/** Triangular filters at equal distances on a mel scale (Stevens, Volkmann & Newman 1937). */
export class MelBands {
  readonly count: number;
  /** First bin of each band. */
  readonly #first: Uint16Array;
  /** Start of each band's weights in `#weights`. */
  readonly #offset: Uint32Array;
  readonly #weights: Float64Array;

  constructor(options: MelOptions) {
    const { count } = options;
    this.count = count;
    this.#first = new Uint16Array(count);
    this.#offset = new Uint32Array(count + 1);
    const weights: number[] = [];
    for (const [band, filter] of filtersOf(options).entries()) {
      this.#first[band] = filter.first;
      weights.push(...filter.weights);
      this.#offset[band + 1] = weights.length;
    }
    this.#weights = Float64Array.from(weights);
  }

  /**
   * Writes the weighted sum of each band.
   * @param power power spectrum, fftSize / 2 + 1 bins
   * @param out receives `count` values from index `at`
   */
  apply(power: Float64Array, out: Float64Array, at: number): void {
    for (let band = 0; band < this.count; band++) {
      let sum = 0;
      let bin = this.#first[band]!;
      for (let w = this.#offset[band]!; w < this.#offset[band + 1]!; w++, bin++) sum += this.#weights[w]! * power[bin]!;
      out[at + band] = sum;
    }
  }
}

/** Weights of a band, from bin `first` on. */
interface Filter {
  readonly first: number;
  readonly weights: readonly number[];
}

function filtersOf({ count, lowHz, highHz, fftSize, sampleRate, scale, weights }: MelOptions): Filter[] {
  const { toMel, toHertz } = SCALES[scale];
  const low = toMel(lowHz);
  const step = (toMel(highHz) - low) / (count + 1);
  const edges = Array.from({ length: count + 2 }, (_, i) => toHertz(low + step * i));
  return Array.from({ length: count }, (_, band) => {
    const [from, middle, to] = [edges[band]!, edges[band + 1]!, edges[band + 2]!];
    const triangle = triangleOf(from, middle, to, (bin) => (bin * sampleRate) / fftSize, fftSize / 2);
    if (weights === 'peak') return triangle;
    if (weights === 'slaney') return scaled(triangle, (weight) => (2 / (to - from)) * weight);
    const sum = triangle.weights.reduce((a, b) => a + b, 0);
    if (sum > 0) return scaled(triangle, (weight) => weight / sum);
    return { first: Math.max(1, Math.round((middle * fftSize) / sampleRate)), weights: [1] };
  });
}

/** Triangle of height 1 over the bins with a positive weight; empty if it lies between two bins. */
function triangleOf(
  from: number,
  middle: number,
  to: number,
  hertzOf: (bin: number) => number,
  lastBin: number,
): Filter {
  const weightAt = (bin: number) =>
    Math.min((hertzOf(bin) - from) / (middle - from), (to - hertzOf(bin)) / (to - middle));
  const bins = Array.from({ length: lastBin + 1 }, (_, bin) => bin).filter((bin) => weightAt(bin) > 0);
  return { first: bins[0] ?? 0, weights: bins.map(weightAt) };
}

function scaled({ first, weights }: Filter, scale: (weight: number) => number): Filter {
  return { first, weights: weights.map(scale) };
}

/** Mels at 1 kHz, where Slaney's scale changes from linear to logarithmic. */
const SLANEY_BREAK_MEL = 15;
/** Mels per factor of e above 1 kHz in Slaney's scale. */
const SLANEY_MELS_PER_E = 27 / Math.log(6.4);

/** Conversions between hertz and mels. */
const SCALES: Readonly<Record<MelScale, { toMel(hertz: number): number; toHertz(mel: number): number }>> = {
  htk: {
    toMel: (hertz) => 2595 * Math.log10(1 + hertz / 700),
    toHertz: (mel) => 700 * (10 ** (mel / 2595) - 1),
  },
  slaney: {
    toMel: (hertz) =>
      hertz < 1000 ? (3 * hertz) / 200 : SLANEY_BREAK_MEL + Math.log(hertz / 1000) * SLANEY_MELS_PER_E,
    toHertz: (mel) =>
      mel < SLANEY_BREAK_MEL ? (200 * mel) / 3 : 1000 * Math.exp((mel - SLANEY_BREAK_MEL) / SLANEY_MELS_PER_E),
  },
};
