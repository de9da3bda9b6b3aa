import { lowFrequencies } from '../../dsp/dct.ts';
import { type Planes, SIDE } from './planes.ts';

/** Number of luma frequencies in each direction. */
const LUMA_KEEP = 8;
/** Number of chroma frequencies in each direction. */
const CHROMA_KEEP = 5;
/** Number of features of this topic. */
const LAYOUT_FEATURES = LUMA_KEEP ** 2 + 2 * CHROMA_KEEP ** 2;

/**
 * Spatial layout of luma and chroma: low frequencies of the mean picture (MPEG-7 colour layout, Kasutani & Yamada
 * 2001).
 */
export class Layout {
  readonly #y = new Float64Array(SIDE * SIDE);
  readonly #cb = new Float64Array(SIDE * SIDE);
  readonly #cr = new Float64Array(SIDE * SIDE);
  #pictures = 0;

  add({ y, cb, cr }: Planes): void {
    addPlane(y, this.#y);
    addPlane(cb, this.#cb);
    addPlane(cr, this.#cr);
    this.#pictures++;
  }

  features(): Float64Array {
    const out = new Float64Array(LAYOUT_FEATURES);
    out.set(lowFrequencies(this.#y, SIDE, LUMA_KEEP));
    out.set(lowFrequencies(this.#cb, SIDE, CHROMA_KEEP), LUMA_KEEP ** 2);
    out.set(lowFrequencies(this.#cr, SIDE, CHROMA_KEEP), LUMA_KEEP ** 2 + CHROMA_KEEP ** 2);
    return out.map((value) => value / this.#pictures);
  }
}

function addPlane(plane: Float32Array, sums: Float64Array): void {
  for (let i = 0; i < plane.length; i++) sums[i]! += plane[i]!;
}
