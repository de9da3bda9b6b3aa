import type { Planes } from './planes.ts';

/** Number of histogram bins for luma. */
const LUMA_BINS = 16;
/** Number of histogram bins for each chroma component. */
const CHROMA_BINS = 8;
/** Number of features of this topic. */
const COLOR_FEATURES = LUMA_BINS + CHROMA_BINS * CHROMA_BINS;

/**
 * Histograms of luma and chroma (colour indexing, Swain & Ballard 1991). A pixel between two bins is split between
 * them, so that codec noise has little effect. The features are square roots of shares, whose dot product is the
 * Bhattacharyya coefficient of two clips (as in RootSIFT, Arandjelović & Zisserman 2012).
 */
export class Color {
  readonly #sums = new Float64Array(COLOR_FEATURES);
  #pixels = 0;

  add({ y, cb, cr }: Planes): void {
    addPicture(y, cb, cr, this.#sums);
    this.#pixels += y.length;
  }

  features(): Float64Array {
    return this.#sums.map((sum) => Math.sqrt(sum / this.#pixels));
  }
}

function addPicture(y: Float32Array, cb: Float32Array, cr: Float32Array, sums: Float64Array): void {
  for (let i = 0; i < y.length; i++) {
    const luma = y[i]! * (LUMA_BINS - 1.001);
    const bin = luma | 0;
    sums[bin]! += 1 - (luma - bin);
    sums[bin + 1]! += luma - bin;
    const blue = chromaPosition(cb[i]!);
    const red = chromaPosition(cr[i]!);
    const column = blue | 0;
    const row = red | 0;
    const right = blue - column;
    const down = red - row;
    const at = LUMA_BINS + row * CHROMA_BINS + column;
    sums[at]! += (1 - right) * (1 - down);
    sums[at + 1]! += right * (1 - down);
    sums[at + CHROMA_BINS]! += (1 - right) * down;
    sums[at + CHROMA_BINS + 1]! += right * down;
  }
}

/** Fractional bin of a chroma value. Bins are finer near grey, where most pixels are. */
function chromaPosition(value: number): number {
  const bent = value / (Math.abs(value) + 0.12) / (0.5 / 0.62);
  return (bent * 0.5 + 0.5) * (CHROMA_BINS - 1.001);
}
