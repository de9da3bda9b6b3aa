import type { Picture, PictureSize } from '../media/frames.ts';
import { Slab } from '../media/slab.ts';
import { MEASURES } from './measures.ts';

/**
 * Size of the pictures that the shot detector takes. The aspect ratio does not matter. Most comparisons use means of 2 × 2
 * of these pixels, so 36 samples of a large picture per mean give the same boundaries as all of its pixels.
 */
export const SHOT_PICTURE: PictureSize = { width: 64, height: 36, fit: 'stretch', samples: 3 };

/** Width of the planes on which pictures are compared: means of 2 × 2 pixels, which reduce noise and grain. Pixels. */
export const PLANE_WIDTH = 32;
/** Height of the planes on which pictures are compared. Pixels. */
export const PLANE_HEIGHT = 18;
const PLANE_PIXELS = PLANE_WIDTH * PLANE_HEIGHT;

/** Width of each coarse plane, on which slow transitions are followed. Pixels. */
const COARSE_WIDTH = 16;
/** Height of each coarse plane. Pixels. */
const COARSE_HEIGHT = 9;
export const COARSE_PIXELS = COARSE_WIDTH * COARSE_HEIGHT;

/** Half the side of the square whose mean is subtracted to leave the detail. Pixels of the plane. */
const DETAIL_RADIUS = MEASURES.signature.detailRadiusPixels;
/** Width of the planes of full resolution, for the few pictures that the other planes leave in doubt. Pixels. */
export const FINE_WIDTH = 2 * PLANE_WIDTH;
/** Height of the planes of full resolution. Pixels. */
export const FINE_HEIGHT = 2 * PLANE_HEIGHT;
const FINE_PIXELS = FINE_WIDTH * FINE_HEIGHT;
/** Intermediate sums along rows. Reused for each picture, like the two below. */
const ROW_SUMS = new Int32Array(FINE_PIXELS);
/** The smoothed plane. */
const SMOOTH = new Int32Array(FINE_PIXELS);
/** Sum of the square around each pixel. */
const SQUARE_SUMS = new Int32Array(FINE_PIXELS);

/** The part of the 32 × 18 planes inside black bars: first row and column, and one past the last. */
export interface Area {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export const WHOLE_AREA: Area = { top: 0, bottom: PLANE_HEIGHT, left: 0, right: PLANE_WIDTH };

/** An area without its outermost lines inside the picture, which may show in part what surrounds the area. */
export function withoutEdges({ top, bottom, left, right }: Area): Area {
  return {
    top: top === 0 ? 0 : top + 1,
    bottom: bottom === PLANE_HEIGHT ? PLANE_HEIGHT : bottom - 1,
    left: left === 0 ? 0 : left + 1,
    right: right === PLANE_WIDTH ? PLANE_WIDTH : right - 1,
  };
}

/** Means of luma and both colour differences over the whole picture, bars included. */
export interface Light {
  readonly luma: number;
  readonly blue: number;
  readonly red: number;
}

/** The planes and figures by which a picture is compared with others. Planes start with the top row. */
export class Signature {
  readonly timeSec: number;
  /** Time on the detector's clock, which broken timestamps do not move. Seconds. */
  readonly clockSec: number;
  /** The area that is compared. */
  area: Area = WHOLE_AREA;
  /** 32 × 18, 0 to 255. All planes have 16 bits, so that loops over them are compiled for one type. */
  readonly luma: Int16Array;
  /** 32 × 18 colour differences Cb and Cr, offset 128. */
  readonly blue: Int16Array;
  readonly red: Int16Array;
  /** 32 × 18 luma without the picture's brightness and contrast: mean 0, standard deviation 64, and 0 outside the area. */
  readonly pattern: Int16Array;
  /** 16 × 9 planes of luma, Cb and Cr, one after the other. */
  readonly coarse: Uint8Array;
  /** Mean of the luma in the area. */
  mean = 0;
  /** Standard deviation of the luma in the area. */
  contrast = 0;
  #detail: Int16Array | undefined;
  #fine: Int16Array | undefined;
  #light: Light | undefined;
  #fineDetail: Int16Array | undefined;
  #croppedLuma: Int16Array | undefined;
  readonly #data: Uint8Array;

  /**
   * Computes the planes of a picture of the size `SHOT_PICTURE`, whose data it keeps. Luma and colour differences follow
   * ITU-R BT.601, full range.
   * @param memory where the planes are allocated
   */
  constructor({ data, timeSec }: Picture, clockSec: number, area: Area = WHOLE_AREA, memory = new Slab()) {
    this.timeSec = timeSec;
    this.clockSec = clockSec;
    this.#data = data;
    this.luma = memory.shorts(PLANE_PIXELS);
    this.blue = memory.shorts(PLANE_PIXELS);
    this.red = memory.shorts(PLANE_PIXELS);
    this.pattern = memory.shorts(PLANE_PIXELS);
    this.coarse = memory.bytes(3 * COARSE_PIXELS);
    const { luma, blue, red, coarse } = this;
    const stride = SHOT_PICTURE.width * 3;
    for (let row = 0, i = 0; row < PLANE_HEIGHT; row++) {
      for (let p = row * 2 * stride, q = p + stride; p < (row * 2 + 1) * stride; p += 6, q += 6, i++) {
        const r = data[p]! + data[p + 3]! + data[q]! + data[q + 3]!;
        const g = data[p + 1]! + data[p + 4]! + data[q + 1]! + data[q + 4]!;
        const b = data[p + 2]! + data[p + 5]! + data[q + 2]! + data[q + 5]!;
        luma[i] = (77 * r + 150 * g + 29 * b + 512) >> 10;
        blue[i] = 128 + ((-43 * r - 85 * g + 128 * b) >> 10);
        red[i] = 128 + ((128 * r - 107 * g - 21 * b) >> 10);
      }
    }
    downsample(luma, coarse, 0);
    downsample(blue, coarse, COARSE_PIXELS);
    downsample(red, coarse, 2 * COARSE_PIXELS);
    this.crop(area);
  }

  /** Limits comparisons to `area`. */
  crop(area: Area): void {
    const { luma, pattern } = this;
    const pixels = (area.bottom - area.top) * (area.right - area.left);
    let sum = 0;
    let squares = 0;
    for (let row = area.top; row < area.bottom; row++) {
      for (let i = row * PLANE_WIDTH + area.left, end = row * PLANE_WIDTH + area.right; i < end; i++) {
        sum += luma[i]!;
        squares += luma[i]! * luma[i]!;
      }
    }
    const mean = sum / pixels;
    this.area = area;
    this.mean = mean;
    this.contrast = Math.sqrt(Math.max(0, squares / pixels - mean * mean));
    const { patternDeviation, noiseContrastLuma } = MEASURES.signature;
    const gain = patternDeviation / (this.contrast + noiseContrastLuma);
    if (pixels < PLANE_PIXELS) pattern.fill(0);
    for (let row = area.top; row < area.bottom; row++) {
      for (let i = row * PLANE_WIDTH + area.left, end = row * PLANE_WIDTH + area.right; i < end; i++) {
        pattern[i] = (luma[i]! - mean) * gain;
      }
    }
    this.#detail = undefined;
    this.#fineDetail = undefined;
    this.#croppedLuma = undefined;
  }

  /** 32 × 18: luma in the area, and 0 outside. */
  get croppedLuma(): Int16Array {
    if (this.area === WHOLE_AREA) return this.luma;
    this.#croppedLuma ??= cropped(this.luma, this.area);
    return this.#croppedLuma;
  }

  /**
   * 32 × 18: luma, slightly smoothed so that motion of half a pixel does not matter, less the mean of the square around each
   * pixel, so that light does not matter either. In quarter steps. Computed on first use, since few pictures need it.
   */
  get detail(): Int16Array {
    this.#detail ??= detailOf(this.luma, PLANE_WIDTH, this.area);
    return this.#detail;
  }

  /** The part of the picture in `area`, scaled up to the size `SHOT_PICTURE`. */
  magnified({ top, bottom, left, right }: Area): Picture {
    const rows = interpolation(2 * top, 2 * bottom, FINE_HEIGHT);
    const columns = interpolation(2 * left, 2 * right, FINE_WIDTH);
    const source = this.#data;
    const data = new Uint8Array(source.length);
    for (let y = 0, o = 0; y < FINE_HEIGHT; y++) {
      const [above, below] = [rows.first[y]! * FINE_WIDTH, rows.second[y]! * FINE_WIDTH];
      const down = rows.weight[y]!;
      for (let x = 0; x < FINE_WIDTH; x++) {
        const [beside, next] = [columns.first[x]!, columns.second[x]!];
        const across = columns.weight[x]!;
        for (let k = 0; k < 3; k++, o++) {
          const upper = source[(above + beside) * 3 + k]! * (1 - across) + source[(above + next) * 3 + k]! * across;
          const lower = source[(below + beside) * 3 + k]! * (1 - across) + source[(below + next) * 3 + k]! * across;
          data[o] = Math.round(upper * (1 - down) + lower * down);
        }
      }
    }
    return { ...SHOT_PICTURE, data, timeSec: this.timeSec };
  }

  get light(): Light {
    this.#light ??= { luma: meanOf(this.luma), blue: meanOf(this.blue), red: meanOf(this.red) };
    return this.#light;
  }

  /** 64 × 36: luma of the whole picture at full resolution. */
  get fine(): Int16Array {
    this.#fine ??= fineLuma(this.#data);
    return this.#fine;
  }

  /** 64 × 36: detail at full resolution, so the square around each pixel covers half as much. Needed very seldom. */
  get fineDetail(): Int16Array {
    this.#fineDetail ??= detailOf(this.fine, FINE_WIDTH, {
      top: 2 * this.area.top,
      bottom: 2 * this.area.bottom,
      left: 2 * this.area.left,
      right: 2 * this.area.right,
    });
    return this.#fineDetail;
  }
}

function meanOf(plane: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < plane.length; i++) sum += plane[i]!;
  return sum / plane.length;
}

/** Means of 2 × 2 pixels, written to `into` from `at` on. */
function downsample(plane: Int16Array, into: Uint8Array, at: number): void {
  for (let row = 0, o = at; row < COARSE_HEIGHT; row++) {
    for (let i = row * 2 * PLANE_WIDTH, end = i + PLANE_WIDTH; i < end; i += 2, o++) {
      into[o] = (plane[i]! + plane[i + 1]! + plane[i + PLANE_WIDTH]! + plane[i + PLANE_WIDTH + 1]! + 2) >> 2;
    }
  }
}

/** Linear interpolation of pixels `from` to `to` at `length` places: the two pixels around each, and the weight of the second. */
function interpolation(from: number, to: number, length: number) {
  const [first, second, weight] = [new Uint8Array(length), new Uint8Array(length), new Float64Array(length)];
  for (let i = 0; i < length; i++) {
    const at = Math.min(to - 1, Math.max(from, from + ((i + 0.5) * (to - from)) / length - 0.5));
    first[i] = Math.floor(at);
    second[i] = Math.min(to - 1, Math.floor(at) + 1);
    weight[i] = at - Math.floor(at);
  }
  return { first, second, weight };
}

function fineLuma(data: Uint8Array): Int16Array {
  const luma = new Int16Array(FINE_PIXELS);
  for (let i = 0, p = 0; i < FINE_PIXELS; i++, p += 3) {
    luma[i] = (77 * data[p]! + 150 * data[p + 1]! + 29 * data[p + 2]! + 128) >> 8;
  }
  return luma;
}

function detailOf(luma: Int16Array, width: number, area: Area): Int16Array {
  smooth(luma, width, area, SMOOTH);
  squareSums(luma, width, area, SQUARE_SUMS);
  const detail = new Int16Array(luma.length);
  const side = 2 * DETAIL_RADIUS + 1;
  for (let y = area.top; y < area.bottom; y++) {
    for (let i = y * width + area.left, end = y * width + area.right; i < end; i++)
      detail[i] = Math.round(SMOOTH[i]! / 4 - (4 * SQUARE_SUMS[i]!) / (side * side));
  }
  return detail;
}

/** Weights of 1, 2, 1 across and down: 16 times the luma. The area's border pixels continue beyond it. */
function smooth(plane: Int16Array, width: number, { top, bottom, left, right }: Area, out: Int32Array): void {
  for (let y = top; y < bottom; y++) {
    const row = y * width;
    for (let x = left; x < right; x++)
      ROW_SUMS[row + x] =
        plane[row + Math.max(left, x - 1)]! + 2 * plane[row + x]! + plane[row + Math.min(right - 1, x + 1)]!;
  }
  for (let y = top; y < bottom; y++) {
    const [above, row, below] = [Math.max(top, y - 1) * width, y * width, Math.min(bottom - 1, y + 1) * width];
    for (let x = left; x < right; x++)
      out[row + x] = ROW_SUMS[above + x]! + 2 * ROW_SUMS[row + x]! + ROW_SUMS[below + x]!;
  }
}

/** Sum of the square around each pixel: a running sum across, then down. */
function squareSums(plane: Int16Array, width: number, { top, bottom, left, right }: Area, out: Int32Array): void {
  for (let y = top; y < bottom; y++) {
    const row = y * width;
    let sum = 0;
    for (let k = -DETAIL_RADIUS; k <= DETAIL_RADIUS; k++) sum += plane[row + clamp(left + k, left, right)]!;
    for (let x = left; x < right; x++) {
      ROW_SUMS[row + x] = sum;
      sum += plane[row + Math.min(right - 1, x + DETAIL_RADIUS + 1)]! - plane[row + Math.max(left, x - DETAIL_RADIUS)]!;
    }
  }
  for (let x = left; x < right; x++) {
    let sum = 0;
    for (let k = -DETAIL_RADIUS; k <= DETAIL_RADIUS; k++) sum += ROW_SUMS[clamp(top + k, top, bottom) * width + x]!;
    for (let y = top; y < bottom; y++) {
      out[y * width + x] = sum;
      const [next, last] = [Math.min(bottom - 1, y + DETAIL_RADIUS + 1), Math.max(top, y - DETAIL_RADIUS)];
      sum += ROW_SUMS[next * width + x]! - ROW_SUMS[last * width + x]!;
    }
  }
}

function cropped(plane: Int16Array, { top, bottom, left, right }: Area): Int16Array {
  const result = new Int16Array(PLANE_PIXELS);
  for (let row = top; row < bottom; row++) {
    for (let i = row * PLANE_WIDTH + left, end = row * PLANE_WIDTH + right; i < end; i++) result[i] = plane[i]!;
  }
  return result;
}

function clamp(at: number, from: number, to: number): number {
  return at < from ? from : at >= to ? to - 1 : at;
}
