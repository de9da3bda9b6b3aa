/**
 * In-place fast Fourier transform of a fixed power-of-two size, with precomputed tables (Cooley & Tukey 1965). Radix 4
 * merges two stages into one, which halves the reads and writes.
 */
export class Fft {
  readonly size: number;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #reversed: Uint32Array;

  /** @param size a power of two, at least 4 */
  constructor(size: number) {
    this.size = size;
    this.#cos = Float64Array.from({ length: size }, (_, i) => Math.cos((2 * Math.PI * i) / size));
    this.#sin = Float64Array.from({ length: size }, (_, i) => Math.sin((2 * Math.PI * i) / size));
    this.#reversed = new Uint32Array(size);
    for (let i = 1; i < size; i++) {
      this.#reversed[i] = (this.#reversed[i >> 1]! >> 1) | (i & 1 ? size >> 1 : 0);
    }
  }

  /** Transforms `size` complex values in place. */
  transform(re: Float64Array, im: Float64Array): void {
    this.#reorder(re);
    this.#reorder(im);
    const isPowerOfFour = (31 - Math.clz32(this.size)) % 2 === 0;
    if (!isPowerOfFour) addPairs(re, im);
    for (let quarter = isPowerOfFour ? 1 : 2; quarter < this.size; quarter *= 4) this.#combine(re, im, quarter);
  }

  #reorder(values: Float64Array): void {
    const reversed = this.#reversed;
    for (let i = 0; i < reversed.length; i++) {
      const j = reversed[i]!;
      if (j > i) {
        const value = values[i]!;
        values[i] = values[j]!;
        values[j] = value;
      }
    }
  }

  /** Merges each four adjacent transforms of `quarter` values into one. */
  #combine(re: Float64Array, im: Float64Array, quarter: number): void {
    const { size } = this;
    const cos = this.#cos;
    const sin = this.#sin;
    const step = size / (4 * quarter);
    for (let start = 0; start < size; start += 4 * quarter) {
      for (let k = 0; k < quarter; k++) {
        const i0 = start + k;
        const i1 = i0 + quarter;
        const i2 = i1 + quarter;
        const i3 = i2 + quarter;
        const c1 = cos[2 * k * step]!;
        const s1 = sin[2 * k * step]!;
        const c2 = cos[k * step]!;
        const s2 = sin[k * step]!;
        const c3 = cos[3 * k * step]!;
        const s3 = sin[3 * k * step]!;
        const r1 = re[i1]! * c1 + im[i1]! * s1;
        const m1 = im[i1]! * c1 - re[i1]! * s1;
        const r2 = re[i2]! * c2 + im[i2]! * s2;
        const m2 = im[i2]! * c2 - re[i2]! * s2;
        const r3 = re[i3]! * c3 + im[i3]! * s3;
        const m3 = im[i3]! * c3 - re[i3]! * s3;
        const evenR = re[i0]! + r1;
        const evenM = im[i0]! + m1;
        const oddR = re[i0]! - r1;
        const oddM = im[i0]! - m1;
        re[i0] = evenR + (r2 + r3);
        im[i0] = evenM + (m2 + m3);
        re[i2] = evenR - (r2 + r3);
        im[i2] = evenM - (m2 + m3);
        re[i1] = oddR + (m2 - m3);
        im[i1] = oddM - (r2 - r3);
        re[i3] = oddR - (m2 - m3);
        im[i3] = oddM + (r2 - r3);
      }
    }
  }
}

/** Replaces each two adjacent values by their transform of size 2. */
function addPairs(re: Float64Array, im: Float64Array): void {
  for (let i = 0; i < re.length; i += 2) {
    const r = re[i + 1]!;
    const m = im[i + 1]!;
    re[i + 1] = re[i]! - r;
    im[i + 1] = im[i]! - m;
    re[i]! += r;
    im[i]! += m;
  }
}

/**
 * Separates the power spectra of two real signals that were transformed together as re + i·im.
 * @param first receives size / 2 + 1 bins
 * @param second receives size / 2 + 1 bins
 */
export function splitPowers(re: Float64Array, im: Float64Array, first: Float64Array, second: Float64Array): void {
  const size = re.length;
  for (let k = 0; k <= size / 2; k++) {
    const other = (size - k) & (size - 1);
    const a = re[k]! + re[other]!;
    const b = im[k]! - im[other]!;
    const c = im[k]! + im[other]!;
    const d = re[other]! - re[k]!;
    first[k] = (a * a + b * b) / 4;
    second[k] = (c * c + d * d) / 4;
  }
}
