import { type Area, HEIGHT, type Signature, WHOLE, WIDTH } from './signature.ts';

/** Luma up to here is black: limited-range black, with compression noise and a dark blur from the picture's edge. */
const BLACK = 20;
/** Bars are not thicker than this part of the picture on each side: 2.76:1 in 4:3 needs 0.26. */
const THICKEST = 0.27;
/** Once shots have shown more, rows must stay black this long before they are taken for bars again. Seconds. */
const PATIENCE_SEC = 3;

/**
 * Knows the black bars around the picture: they never change, and would make two shots look alike. A row that shows
 * anything is picture at once; one that is black becomes part of the bar when it has been so for a while. That may be a
 * dark sky, and does no harm: it counts again as soon as it holds something.
 */
export class Bars {
  #area: Area | undefined;
  /** All that has been lit since `#sinceSec`. */
  #lit: Area = WHOLE;
  #sinceSec = 0;

  /** Returns the area if this picture changes it. */
  look({ luma, clockSec }: Signature): Area | undefined {
    const lit = litArea(luma);
    if (!lit) return undefined;
    let area = this.#area ? union(this.#area, lit) : lit;
    this.#lit = this.#area ? union(this.#lit, lit) : lit;
    if (!this.#area || clockSec - this.#sinceSec > PATIENCE_SEC) {
      area = this.#lit;
      this.#lit = lit;
      this.#sinceSec = clockSec;
    }
    if (this.#area && isSame(area, this.#area)) return undefined;
    this.#area = area;
    return area;
  }
}

/** Where anything but black is; a black picture has no such place, and says nothing about bars. */
function litArea(luma: Int16Array): Area | undefined {
  const rowIsLit = (row: number) => luma.subarray(row * WIDTH, (row + 1) * WIDTH).some((value) => value > BLACK);
  const columnIsLit = (column: number) => {
    for (let i = column; i < luma.length; i += WIDTH) if (luma[i]! > BLACK) return true;
    return false;
  };
  const [mostRows, mostColumns] = [Math.floor(HEIGHT * THICKEST), Math.floor(WIDTH * THICKEST)];
  let top = 0;
  while (top <= mostRows && !rowIsLit(top)) top++;
  let bottom = HEIGHT;
  while (HEIGHT - bottom <= mostRows && !rowIsLit(bottom - 1)) bottom--;
  let left = 0;
  while (left <= mostColumns && !columnIsLit(left)) left++;
  let right = WIDTH;
  while (WIDTH - right <= mostColumns && !columnIsLit(right - 1)) right--;
  if (top > mostRows && HEIGHT - bottom > mostRows) return undefined;
  return {
    top: Math.min(top, mostRows),
    bottom: Math.max(bottom, HEIGHT - mostRows),
    left: Math.min(left, mostColumns),
    right: Math.max(right, WIDTH - mostColumns),
  };
}

function union(a: Area, b: Area): Area {
  return {
    top: Math.min(a.top, b.top),
    bottom: Math.max(a.bottom, b.bottom),
    left: Math.min(a.left, b.left),
    right: Math.max(a.right, b.right),
  };
}

function isSame(a: Area, b: Area): boolean {
  return a.top === b.top && a.bottom === b.bottom && a.left === b.left && a.right === b.right;
}
