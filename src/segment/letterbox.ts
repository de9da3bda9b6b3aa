import type { Rules } from './rules.ts';
import { type Area, PLANE_HEIGHT, PLANE_WIDTH, type Signature, WHOLE_AREA, withoutEdges } from './signature.ts';

/**
 * Tracks the black bars around the picture. Bars never change, so they would make two shots look alike; where they appear or
 * disappear, they would make one shot look like two. A row that shows anything is picture at once, unless it was plainly part
 * of a bar. A black row becomes part of a bar after some seconds; it may also be a dark sky, which counts again as soon as it
 * shows something.
 */
export class LetterboxTracker {
  readonly #rules: Rules['letterbox'];
  readonly #rows: RecentThickness;
  readonly #columns: RecentThickness;
  #area: Area | undefined;
  /** Everything that has been lit since `#sinceSec`. */
  #lit: Area = WHOLE_AREA;
  #sinceSec = 0;
  #reported: Area = WHOLE_AREA;

  constructor(rules: Rules['letterbox']) {
    this.#rules = rules;
    this.#rows = new RecentThickness(rules.memorySec);
    this.#columns = new RecentThickness(rules.memorySec);
  }

  /** Takes the next picture. Returns the area inside the bars if this picture changes it. */
  update({ luma, clockSec }: Signature): Area | undefined {
    const { minBrightLuma, minBlackSec } = this.#rules;
    const lit = litArea(luma, this.#rules);
    if (!lit) return undefined;
    let area = this.#area ? union(this.#area, lit) : lit;
    this.#lit = this.#area ? union(this.#lit, lit) : lit;
    if (!this.#area || clockSec - this.#sinceSec > minBlackSec) {
      area = this.#lit;
      this.#lit = lit;
      this.#sinceSec = clockSec;
    }
    this.#area = area;
    const rows = this.#rows.thickest(
      plainBars(lit.top, PLANE_HEIGHT - lit.bottom, (row) => rowMean(luma, row), minBrightLuma),
      clockSec,
    );
    const columns = this.#columns.thickest(
      plainBars(lit.left, PLANE_WIDTH - lit.right, (i) => columnMean(luma, i), minBrightLuma),
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

/** The thickest bar within a time. */
class RecentThickness {
  readonly #memorySec: number;
  #thickness = 0;
  #seenSec = 0;

  constructor(memorySec: number) {
    this.#memorySec = memorySec;
  }

  thickest(thickness: number, clockSec: number): number {
    if (thickness >= this.#thickness || clockSec - this.#seenSec > this.#memorySec) {
      this.#thickness = thickness;
      this.#seenSec = clockSec;
    }
    return this.#thickness;
  }
}

/**
 * Thickness of two opposite bars if they are plainly bars, else 0.
 * @param mean luma of a line, counted from the first one or, if negative, from the last
 */
function plainBars(first: number, last: number, mean: (line: number) => number, minBrightLuma: number): number {
  if (first === 0 || last === 0 || Math.abs(first - last) > 1) return 0;
  // One line further in, since the first one may be part bar.
  return mean(first + 1) > minBrightLuma && mean(-last - 2) > minBrightLuma ? Math.max(first, last) : 0;
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

/** The area that is not black. None in a black picture, which tells nothing about bars. */
function litArea(luma: Int16Array, { maxBlackLuma, maxBarShare }: Rules['letterbox']): Area | undefined {
  const rowIsLit = (row: number) =>
    luma.subarray(row * PLANE_WIDTH, (row + 1) * PLANE_WIDTH).some((value) => value > maxBlackLuma);
  const columnIsLit = (column: number) => {
    for (let i = column; i < luma.length; i += PLANE_WIDTH) if (luma[i]! > maxBlackLuma) return true;
    return false;
  };
  const [mostRows, mostColumns] = [Math.floor(PLANE_HEIGHT * maxBarShare), Math.floor(PLANE_WIDTH * maxBarShare)];
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
