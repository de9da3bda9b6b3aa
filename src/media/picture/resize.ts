/** Filters of Pillow's `Image.resize`. For downscaling they are stretched, so that every source pixel counts. */
export type ResizeFilter = 'bilinear' | 'bicubic' | 'lanczos';

/** Fraction bits of fixed-point weights, as in Pillow: 32, minus 8 for a pixel, minus 2 for overflow. */
const WEIGHT_FRACTION_BITS = 22;

/** Width and height of a picture, in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Parameters of a resize. */
export interface Resize {
  readonly from: Size;
  /** Target size of the uncropped picture. */
  readonly to: Size;
  /** Crop, in pixels of `to`. Only this part is computed. */
  readonly crop: Size & { readonly left: number; readonly top: number };
  readonly filter: ResizeFilter;
}

/** Filter table of one axis: the source pixels of each output pixel, and their weights. */
interface Axis {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** Weights, `width` entries per output pixel. */
  readonly weights: Int32Array;
  readonly width: number;
}

/**
 * Resizes packed RGB with the arithmetic of Pillow (`Resample.c`, 8 bits per channel), which vision models are trained with:
 * first horizontally, rounded to 8 bits, then vertically. The output equals `image.resize(to, filter).crop(crop)` byte for
 * byte in Pillow up to 12; Pillow 13 resizes some pictures vertically first, which changes values near 0 and 255. The filter
 * tables are computed once.
 */
export class Resizer {
  readonly #resize: Resize;
  readonly #across: Axis;
  readonly #down: Axis;
  readonly #rows: Uint8Array;
  readonly #firstRow: number;
  readonly #rowCount: number;

  constructor(resize: Resize) {
    const { from, to, crop, filter } = resize;
    this.#resize = resize;
    this.#across = axis({ from: from.width, to: to.width, start: crop.left, length: crop.width, filter });
    this.#down = axis({ from: from.height, to: to.height, start: crop.top, length: crop.height, filter });
    this.#firstRow = this.#down.first[0]!;
    this.#rowCount = this.#down.first.at(-1)! + this.#down.count.at(-1)! - this.#firstRow;
    this.#rows = new Uint8Array(this.#rowCount * crop.width * 3);
  }

  /**
   * Resizes a picture.
   * @param source rows of `from.width` × 3 bytes
   * @param stride bytes from one row to the next
   * @returns the crop, without padding
   */
  apply(source: Uint8Array, stride: number): Uint8Array {
    const { width, height } = this.#resize.crop;
    this.#resizeRows(source, stride);
    const { first, count, weights, width: places } = this.#down;
    const rows = this.#rows;
    const row = width * 3;
    const out = new Uint8Array(row * height);
    const sums = new Int32Array(row);
    for (let y = 0; y < height; y++) {
      sums.fill(1 << (WEIGHT_FRACTION_BITS - 1));
      for (let k = 0; k < count[y]!; k++) {
        const weight = weights[y * places + k]!;
        const from = (first[y]! - this.#firstRow + k) * row;
        for (let i = 0; i < row; i++) sums[i] = sums[i]! + Math.imul(rows[from + i]!, weight);
      }
      for (let i = 0; i < row; i++) out[y * row + i] = clip(sums[i]!);
    }
    return out;
  }

  #resizeRows(source: Uint8Array, stride: number): void {
    const { first, count, weights, width: places } = this.#across;
    const rows = this.#rows;
    const half = 1 << (WEIGHT_FRACTION_BITS - 1);
    let to = 0;
    for (let y = 0; y < this.#rowCount; y++) {
      const row = (this.#firstRow + y) * stride;
      for (let x = 0; x < count.length; x++) {
        let red = half;
        let green = half;
        let blue = half;
        let at = row + first[x]! * 3;
        const end = x * places + count[x]!;
        for (let k = x * places; k < end; k++, at += 3) {
          const weight = weights[k]!;
          red = (red + Math.imul(source[at]!, weight)) | 0;
          green = (green + Math.imul(source[at + 1]!, weight)) | 0;
          blue = (blue + Math.imul(source[at + 2]!, weight)) | 0;
        }
        rows[to++] = clip(red);
        rows[to++] = clip(green);
        rows[to++] = clip(blue);
      }
    }
  }
}

function clip(sum: number): number {
  const value = sum >> WEIGHT_FRACTION_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

function axis(options: { from: number; to: number; start: number; length: number; filter: ResizeFilter }): Axis {
  const { from, to, start, length } = options;
  const { support: reach, weigh } = FILTERS[options.filter];
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = reach * stretch;
  const width = Math.ceil(support) * 2 + 1;
  const result: Axis = {
    first: new Int32Array(length),
    count: new Int32Array(length),
    weights: new Int32Array(length * width),
    width,
  };
  for (let i = 0; i < length; i++) {
    const center = (start + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(from, Math.trunc(center + support + 0.5)) - first;
    const own = Array.from({ length: count }, (_, k) => weigh((first + k - center + 0.5) * (1 / stretch)));
    const sum = own.reduce((all, each) => all + each, 0);
    result.first[i] = first;
    result.count[i] = count;
    for (const [k, weight] of own.entries()) {
      const scaled = (sum === 0 ? weight : weight / sum) * 2 ** WEIGHT_FRACTION_BITS;
      result.weights[i * width + k] = Math.trunc(scaled + (scaled < 0 ? -0.5 : 0.5));
    }
  }
  return result;
}

/** Parameter `a` of cubic convolution (Keys, *Cubic convolution interpolation*, 1981). */
const CUBIC_PARAMETER = -0.5;

const FILTERS: Readonly<Record<ResizeFilter, { support: number; weigh: (x: number) => number }>> = {
  bilinear: { support: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weigh(signed) {
      const x = Math.abs(signed);
      if (x < 1) return ((CUBIC_PARAMETER + 2) * x - (CUBIC_PARAMETER + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * CUBIC_PARAMETER : 0;
    },
  },
  lanczos: { support: 3, weigh: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}
