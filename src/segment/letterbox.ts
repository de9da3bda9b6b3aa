import { type Area, PLANE_HEIGHT, PLANE_WIDTH, type Signature, WHOLE_AREA } from './signature.ts';

/** Luma up to here is black: limited-range black, with compression noise and a dark blur from the picture's edge. */
const MAX_BLACK_LUMA = 20;
/** LetterboxTracker are not thicker than this part of the picture on each side: 2.76:1 in 4:3 needs 0.26. */
const MAX_BAR_SHARE = 0.27;
/** Once shots have shown more, rows must stay black this long before they are taken for bars again. Seconds. */
const BLACK_BEFORE_BAR_SEC = 3;
/** LetterboxTracker that are plainly bars count at once: alike on both sides, and the picture beside them at least this bright. */
const MIN_BRIGHT_LUMA = 24;
/**
 * … and for so long after they have gone: pictures with and without them are compared only on what shows in both. More
 * than a detector holds. Seconds.
 */
const BAR_MEMORY_SEC = 10;

/**
 * Knows the black bars around the picture: they never change, and would make two shots look alike; where they come or
 * go they would make one shot look like two. A row that shows anything is picture at once, unless there was plainly a
 * bar; one that is black becomes part of the bar when it has been so for a while. That may be a dark sky, and does no
 * harm: it counts again as soon as it holds something.
 */
export class LetterboxTracker {
  #area: Area | undefined;
  /** All that has been lit since `#sinceSec`. */
  #lit: Area = WHOLE_AREA;
  #sinceSec = 0;
  readonly #rows = new RecentThickness();
  readonly #columns = new RecentThickness();
  #reported: Area = WHOLE_AREA;

  /** Returns the area if this picture changes it. */
  update({ luma, clockSec }: Signature): Area | undefined {
    const lit = litArea(luma);
    if (!lit) return undefined;
    let area = this.#area ? union(this.#area, lit) : lit;
    this.#lit = this.#area ? union(this.#lit, lit) : lit;
    if (!this.#area || clockSec - this.#sinceSec > BLACK_BEFORE_BAR_SEC) {
      area = this.#lit;
      this.#lit = lit;
      this.#sinceSec = clockSec;
    }
    this.#area = area;
    const rows = this.#rows.thickest(
      plainBars(lit.top, PLANE_HEIGHT - lit.bottom, (row) => rowMean(luma, row)),
      clockSec,
    );
    const columns = this.#columns.thickest(
      plainBars(lit.left, PLANE_WIDTH - lit.right, (i) => columnMean(luma, i)),
      clockSec,
    );
    const reported = withoutEdges({
      top: Math.max(area.top, rows),
      bottom: Math.min(area.bottom, PLANE_HEIGHT - rows),
      left: Math.max(area.left, columns),
      right: Math.min(area.right, PLANE_WIDTH - columns),
    });
    if (isSame(reported, this.#reported)) return undefined;
    this.#reported = reported;
    return reported;
  }
}

/** The thickest of the bars of late. */
class RecentThickness {
  #thickness = 0;
  #seenSec = 0;

  thickest(thickness: number, clockSec: number): number {
    if (thickness >= this.#thickness || clockSec - this.#seenSec > BAR_MEMORY_SEC) {
      this.#thickness = thickness;
      this.#seenSec = clockSec;
    }
    return this.#thickness;
  }
}

/** How thick bars on two sides are, if they are plainly that. `mean` is that of a line, counted from either side. */
function plainBars(first: number, last: number, mean: (line: number) => number): number {
  if (first === 0 || last === 0 || Math.abs(first - last) > 1) return 0;
  // One line further in, for the first one may be part bar.
  return mean(first + 1) > MIN_BRIGHT_LUMA && mean(-last - 2) > MIN_BRIGHT_LUMA ? Math.max(first, last) : 0;
}

function rowMean(luma: Int16Array, row: number): number {
  const start = (row < 0 ? PLANE_HEIGHT + row : row) * PLANE_WIDTH;
  let sum = 0;
  for (let i = start; i < start + PLANE_WIDTH; i++) sum += luma[i]!;
  return sum / PLANE_WIDTH;
}

function columnMean(luma: Int16Array, column: number): number {
  let sum = 0;
  for (let i = column < 0 ? PLANE_WIDTH + column : column; i < luma.length; i += PLANE_WIDTH) sum += luma[i]!;
  return sum / PLANE_HEIGHT;
}

/** The lines next to a bar are part bar. */
function withoutEdges({ top, bottom, left, right }: Area): Area {
  return {
    top: top === 0 ? 0 : top + 1,
    bottom: bottom === PLANE_HEIGHT ? PLANE_HEIGHT : bottom - 1,
    left: left === 0 ? 0 : left + 1,
    right: right === PLANE_WIDTH ? PLANE_WIDTH : right - 1,
  };
}

/** Where anything but black is; a black picture has no such place, and says nothing about bars. */
function litArea(luma: Int16Array): Area | undefined {
  const rowIsLit = (row: number) =>
    luma.subarray(row * PLANE_WIDTH, (row + 1) * PLANE_WIDTH).some((value) => value > MAX_BLACK_LUMA);
  const columnIsLit = (column: number) => {
    for (let i = column; i < luma.length; i += PLANE_WIDTH) if (luma[i]! > MAX_BLACK_LUMA) return true;
    return false;
  };
  const [mostRows, mostColumns] = [Math.floor(PLANE_HEIGHT * MAX_BAR_SHARE), Math.floor(PLANE_WIDTH * MAX_BAR_SHARE)];
  let top = 0;
  while (top <= mostRows && !rowIsLit(top)) top++;
  let bottom = PLANE_HEIGHT;
  while (PLANE_HEIGHT - bottom <= mostRows && !rowIsLit(bottom - 1)) bottom--;
  let left = 0;
  while (left <= mostColumns && !columnIsLit(left)) left++;
  let right = PLANE_WIDTH;
  while (PLANE_WIDTH - right <= mostColumns && !columnIsLit(right - 1)) right--;
  if (top > mostRows && PLANE_HEIGHT - bottom > mostRows) return undefined;
  return {
    top: Math.min(top, mostRows),
    bottom: Math.max(bottom, PLANE_HEIGHT - mostRows),
    left: Math.min(left, mostColumns),
    right: Math.max(right, PLANE_WIDTH - mostColumns),
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
