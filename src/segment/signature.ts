import type { Picture, PictureSize } from '../media/frames.ts';
import { Slab } from '../media/slab.ts';

/**
 * What the shot detector wants of every decoded picture. The aspect ratio does not matter to it, and what it compares
 * are means of 2 × 2 of these pixels: 36 samples of each in a large picture find what all of its pixels do.
 */
export const SHOT_PICTURE: PictureSize = { width: 64, height: 36, fit: 'stretch', samples: 3 };

/** Size of the planes that pictures are compared on: 2 × 2 pixels averaged, so that noise and grain sink. Pixels. */
export const PLANE_WIDTH = 32;
export const PLANE_HEIGHT = 18;
const PLANE_PIXELS = PLANE_WIDTH * PLANE_HEIGHT;

/** Size of each coarse plane, on which slow transitions are followed. Pixels. */
const COARSE_WIDTH = 16;
const COARSE_HEIGHT = 9;
export const COARSE_PIXELS = COARSE_WIDTH * COARSE_HEIGHT;

/** Standard deviation of the pattern plane, and so the unit in which changes of pattern are measured. */
const PATTERN_UNIT = 64;

/**
 * Added to a picture's contrast before the pattern is divided by it, so that the noise of an almost even picture is not
 * blown up into structure: about what compression leaves on a plain surface, in steps of 8-bit luma.
 */
const NOISE_FLOOR = 4;

/** Half the side of the square whose mean is taken off to leave the detail. Pixels. */
const DETAIL_RADIUS = 4;
/** Size of the planes on which the few pictures are compared that the others leave in doubt: all there is. Pixels. */
export const FINE_WIDTH = 2 * PLANE_WIDTH;
export const FINE_HEIGHT = 2 * PLANE_HEIGHT;
const FINE_PIXELS = FINE_WIDTH * FINE_HEIGHT;
/** Room for intermediate results, used again for each picture. */
const ACROSS = new Int32Array(FINE_PIXELS);
const SMOOTH = new Int32Array(FINE_PIXELS);
const LIGHT = new Int32Array(FINE_PIXELS);

/** What of the 32 × 18 planes is picture and not black bars around it: first row and column, and one past the last. */
export interface Area {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export const WHOLE_AREA: Area = { top: 0, bottom: PLANE_HEIGHT, left: 0, right: PLANE_WIDTH };

/** Means of luma and both colour differences, whatever the area. */
export interface Light {
  readonly luma: number;
  readonly blue: number;
  readonly red: number;
}

/** What is kept of a picture. Planes have their rows from the top. */
export class Signature {
  readonly timeSec: number;
  /** The detector's own time of it. Seconds. */
  readonly clockSec: number;
  /** Everything outside is left out of the comparisons. */
  area: Area = WHOLE_AREA;
  /** 32 × 18, 0 to 255; 16 bits like all these planes, so that the loops over them are compiled for one type. */
  readonly luma: Int16Array;
  /** 32 × 18 colour differences Cb and Cr, offset 128. */
  readonly blue: Int16Array;
  readonly red: Int16Array;
  /** 32 × 18 luma with the picture's brightness and contrast taken out: mean 0, standard deviation 64; 0 outside it. */
  readonly pattern: Int16Array;
  /** 16 × 9 planes of luma, Cb and Cr, one after the other. */
  readonly coarse: Uint8Array;
  /** Mean and standard deviation of the luma. */
  mean = 0;
  contrast = 0;
  #detail: Int16Array | undefined;
  #fine: Int16Array | undefined;
  #light: Light | undefined;
  #fineDetail: Int16Array | undefined;
  #inside: Int16Array | undefined;
  readonly #data: Uint8Array;

  /**
   * Reads a picture of the size `SHOT_PICTURE`, and keeps its data. Luma and colour differences as in ITU-R BT.601, full
   * range.
   * @param memory for the planes
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
    shrink(luma, coarse, 0);
    shrink(blue, coarse, COARSE_PIXELS);
    shrink(red, coarse, 2 * COARSE_PIXELS);
    this.crop(area);
  }

  /** Takes the picture to be what is inside `area`. */
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
    const gain = PATTERN_UNIT / (this.contrast + NOISE_FLOOR);
    if (pixels < PLANE_PIXELS) pattern.fill(0);
    for (let row = area.top; row < area.bottom; row++) {
      for (let i = row * PLANE_WIDTH + area.left, end = row * PLANE_WIDTH + area.right; i < end; i++) {
        pattern[i] = (luma[i]! - mean) * gain;
      }
    }
    this.#detail = undefined;
    this.#fineDetail = undefined;
    this.#inside = undefined;
  }

  /** 32 × 18: the luma, and 0 outside the area. */
  get inside(): Int16Array {
    if (this.area === WHOLE_AREA) return this.luma;
    this.#inside ??= cutOut(this.luma, this.area);
    return this.#inside;
  }

  /**
   * 32 × 18: luma, a little smoothed so that motion of half a pixel does not matter, less the mean of the square around
   * each pixel, so that light does not. In quarter steps. Made when first asked for: few pictures are looked at so closely.
   */
  get detail(): Int16Array {
    this.#detail ??= detailOf(this.luma, PLANE_WIDTH, this.area);
    return this.#detail;
  }

  /** The picture inside `area`, scaled up to a picture of the size `SHOT_PICTURE`. */
  magnified({ top, bottom, left, right }: Area): Picture {
    const rows = interpolation(2 * top, 2 * bottom, FINE_HEIGHT);
    const columns = interpolation(2 * left, 2 * right, FINE_WIDTH);
    const data = new Uint8Array(this.#data.length);
    let o = 0;
    for (const [above, below, down] of rows) {
      for (const [beside, next, across] of columns) {
        for (let k = 0; k < 3; k++, o++) {
          const value = (row: number, column: number) => this.#data[(row * FINE_WIDTH + column) * 3 + k]!;
          const upper = value(above, beside) * (1 - across) + value(above, next) * across;
          const lower = value(below, beside) * (1 - across) + value(below, next) * across;
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

  /** 64 × 36: the luma of the picture as it came. */
  get fine(): Int16Array {
    this.#fine ??= fineLuma(this.#data);
    return this.#fine;
  }

  /** 64 × 36: the same of the whole picture as it came, with half as large a square. Asked for more seldom still. */
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

function shrink(plane: Int16Array, into: Uint8Array, at: number): void {
  for (let row = 0, o = at; row < COARSE_HEIGHT; row++) {
    for (let i = row * 2 * PLANE_WIDTH, end = i + PLANE_WIDTH; i < end; i += 2, o++) {
      into[o] = (plane[i]! + plane[i + 1]! + plane[i + PLANE_WIDTH]! + plane[i + PLANE_WIDTH + 1]! + 2) >> 2;
    }
  }
}

/** For each of `length` pixels that show `from` to `to`: the two pixels it lies between, and how far towards the second. */
function interpolation(from: number, to: number, length: number): [number, number, number][] {
  return Array.from({ length }, (_, i) => {
    const at = Math.min(to - 1, Math.max(from, from + ((i + 0.5) * (to - from)) / length - 0.5));
    return [Math.floor(at), Math.min(to - 1, Math.floor(at) + 1), at - Math.floor(at)];
  });
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
  squareSums(luma, width, area, LIGHT);
  const detail = new Int16Array(luma.length);
  const side = 2 * DETAIL_RADIUS + 1;
  for (let y = area.top; y < area.bottom; y++) {
    for (let i = y * width + area.left, end = y * width + area.right; i < end; i++)
      detail[i] = Math.round(SMOOTH[i]! / 4 - (4 * LIGHT[i]!) / (side * side));
  }
  return detail;
}

/** Weights of 1, 2, 1 across and down: 16 times the luma. Beyond the border of the area lie the pixels at it. */
function smooth(plane: Int16Array, width: number, { top, bottom, left, right }: Area, out: Int32Array): void {
  for (let y = top; y < bottom; y++) {
    const row = y * width;
    for (let x = left; x < right; x++)
      ACROSS[row + x] =
        plane[row + Math.max(left, x - 1)]! + 2 * plane[row + x]! + plane[row + Math.min(right - 1, x + 1)]!;
  }
  for (let y = top; y < bottom; y++) {
    const [above, row, below] = [Math.max(top, y - 1) * width, y * width, Math.min(bottom - 1, y + 1) * width];
    for (let x = left; x < right; x++) out[row + x] = ACROSS[above + x]! + 2 * ACROSS[row + x]! + ACROSS[below + x]!;
  }
}

/** Sum of the square around each pixel, as a sum that runs along with it, first across and then down. */
function squareSums(plane: Int16Array, width: number, { top, bottom, left, right }: Area, out: Int32Array): void {
  for (let y = top; y < bottom; y++) {
    const row = y * width;
    let sum = 0;
    for (let k = -DETAIL_RADIUS; k <= DETAIL_RADIUS; k++) sum += plane[row + clamp(left + k, left, right)]!;
    for (let x = left; x < right; x++) {
      ACROSS[row + x] = sum;
      sum += plane[row + Math.min(right - 1, x + DETAIL_RADIUS + 1)]! - plane[row + Math.max(left, x - DETAIL_RADIUS)]!;
    }
  }
  for (let x = left; x < right; x++) {
    let sum = 0;
    for (let k = -DETAIL_RADIUS; k <= DETAIL_RADIUS; k++) sum += ACROSS[clamp(top + k, top, bottom) * width + x]!;
    for (let y = top; y < bottom; y++) {
      out[y * width + x] = sum;
      const [next, last] = [Math.min(bottom - 1, y + DETAIL_RADIUS + 1), Math.max(top, y - DETAIL_RADIUS)];
      sum += ACROSS[next * width + x]! - ACROSS[last * width + x]!;
    }
  }
}

function cutOut(plane: Int16Array, { top, bottom, left, right }: Area): Int16Array {
  const inside = new Int16Array(PLANE_PIXELS);
  for (let row = top; row < bottom; row++) {
    for (let i = row * PLANE_WIDTH + left, end = row * PLANE_WIDTH + right; i < end; i++) inside[i] = plane[i]!;
  }
  return inside;
}

function clamp(at: number, from: number, to: number): number {
  return at < from ? from : at >= to ? to - 1 : at;
}
