import { MEASURES } from './measures.ts';
import { type Area, COARSE_PIXELS, PLANE_HEIGHT, PLANE_WIDTH, type Signature } from './signature.ts';

/** Width of the blocks that are matched, in pixels of the 32 × 18 planes. Smaller blocks match anything by chance. */
export const BLOCK_WIDTH = 8;
/** Height of the blocks that are matched, in pixels of the 32 × 18 planes. */
export const BLOCK_HEIGHT = 6;
const BLOCK_PIXELS = BLOCK_WIDTH * BLOCK_HEIGHT;
/** Sum of absolute differences below which a block counts as unmoved. */
const QUIET_DIFFERENCE = MEASURES.change.quietDifference * BLOCK_PIXELS;
/** Displacements to try: dx, dy, dx, dy … Nearest first, since most blocks hardly move and a good match ends later ones early. */
const DISPLACEMENTS = displacements(MEASURES.change.searchPixels);

/** Difference of two pictures as a mean over the pixels. Units of the pattern plane. */
export interface Change {
  /**
   * The difference that neither motion nor exposure explains: `residual` plus half the colour difference of the matched
   * blocks. Near 0 for one scene, 40 and more for unrelated ones. Brightness and contrast of the whole picture do not
   * matter.
   */
  readonly size: number;
  /** Difference of the patterns after motion compensation: each block at its best displacement, as in video coding. */
  readonly residual: number;
  /** Difference of the patterns without displacement. */
  readonly inPlace: number;
}

export const NO_CHANGE: Change = { size: 0, residual: 0, inPlace: 0 };

/** The change from picture `a` to picture `b`. */
export function compare(a: Signature, b: Signature): Change {
  let inPlace = 0;
  let residual = 0;
  let colour = 0;
  for (let top = 0; top < PLANE_HEIGHT; top += BLOCK_HEIGHT) {
    for (let left = 0; left < PLANE_WIDTH; left += BLOCK_WIDTH) {
      const at = top * PLANE_WIDTH + left;
      const match = bestMatch(a.pattern, b.pattern, left, top);
      inPlace += match.inPlace;
      residual += match.difference;
      colour += blockDifference(a.blue, b.blue, at, match.offset, Number.POSITIVE_INFINITY);
      colour += blockDifference(a.red, b.red, at, match.offset, Number.POSITIVE_INFINITY);
    }
  }
  const pixels = pixelsIn(b.area);
  return {
    size: (residual + MEASURES.change.colourWeight * colour) / pixels,
    residual: residual / pixels,
    inPlace: inPlace / pixels,
  };
}

function pixelsIn({ top, bottom, left, right }: Area): number {
  return (bottom - top) * (right - left);
}

/** The size of the change from picture `a` to picture `b`. */
export function changeSize(a: Signature, b: Signature): number {
  return compare(a, b).size;
}

/** The size of the change without displacement: hardly ever less than `changeSize`, and much faster. */
export function changeInPlace(a: Signature, b: Signature): number {
  let pattern = 0;
  let colour = 0;
  for (let i = 0; i < a.pattern.length; i++) {
    pattern += Math.abs(b.pattern[i]! - a.pattern[i]!);
    colour += Math.abs(b.blue[i]! - a.blue[i]!) + Math.abs(b.red[i]! - a.red[i]!);
  }
  return (pattern + MEASURES.change.colourWeight * colour) / pixelsIn(b.area);
}

/**
 * Share of the detail that two pictures have in common, 0 to 1, in any light. A lamp, a flash, a title or a passer-by leaves
 * the rest of the scene in its place; a new shot leaves next to nothing.
 */
export function keptDetail(a: Signature, b: Signature): number {
  const { plainDetail, texturedDetail, keptShare, goneShare } = MEASURES.keptDetail;
  let all = 0;
  let kept = 0;
  for (let top = 0; top < PLANE_HEIGHT; top += BLOCK_HEIGHT) {
    for (let left = 0; left < PLANE_WIDTH; left += BLOCK_WIDTH) {
      const at = top * PLANE_WIDTH + left;
      const detail = Math.max(blockEnergy(a.detail, at), blockEnergy(b.detail, at)) / BLOCK_PIXELS;
      const weight = Math.min(detail, texturedDetail) - plainDetail;
      if (weight <= 0) continue;
      all += weight;
      const share = bestMatch(a.detail, b.detail, left, top).difference / BLOCK_PIXELS / detail;
      kept += weight * Math.min(1, Math.max(0, (goneShare - share) / (goneShare - keptShare)));
    }
  }
  return all === 0 ? 0 : kept / all;
}

/**
 * Share of the lit picture that is unchanged in place and colour, 0 to 1. Walls, sky and the painted background of a cartoon
 * have little detail to keep, but stay unchanged behind what moves; a new shot changes nearly all of the picture.
 */
export function unchangedShare(a: Signature, b: Signature): number {
  const { minLitLuma, minLitShare, maxContrastShare, minTolerance } = MEASURES.unchanged;
  const { top, bottom, left, right } = b.area;
  const tolerance = Math.max(minTolerance, maxContrastShare * Math.min(a.contrast, b.contrast));
  let lit = 0;
  let unchanged = 0;
  for (let row = top; row < bottom; row++) {
    for (let i = row * PLANE_WIDTH + left, end = row * PLANE_WIDTH + right; i < end; i++) {
      if (a.luma[i]! < minLitLuma && b.luma[i]! < minLitLuma) continue;
      lit++;
      if (Math.abs(a.luma[i]! - b.luma[i]!) >= tolerance) continue;
      if (Math.abs(a.blue[i]! - b.blue[i]!) < tolerance && Math.abs(a.red[i]! - b.red[i]!) < tolerance) unchanged++;
    }
  }
  return unchanged / Math.max(lit, minLitShare * pixelsIn(b.area));
}

/** Mean absolute difference of the luma in place. Steps of 8 bits. */
export function meanLumaDifference(a: Signature, b: Signature): number {
  const { top, bottom, left, right } = b.area;
  let sum = 0;
  for (let row = top; row < bottom; row++) {
    for (let i = row * PLANE_WIDTH + left, end = row * PLANE_WIDTH + right; i < end; i++)
      sum += Math.abs(a.luma[i]! - b.luma[i]!);
  }
  return sum / pixelsIn(b.area);
}

/**
 * Mean absolute difference in place of the luma and of both colour differences, which count half, over the whole picture.
 * Steps of 8 bits. Neither motion nor light is compensated.
 */
export function pictureDifference(a: Signature, b: Signature): number {
  let luma = 0;
  let colour = 0;
  for (let i = 0; i < a.luma.length; i++) {
    luma += Math.abs(a.luma[i]! - b.luma[i]!);
    colour += Math.abs(a.blue[i]! - b.blue[i]!) + Math.abs(a.red[i]! - b.red[i]!);
  }
  return (luma + colour / 2) / a.luma.length;
}

/** Mean absolute difference of the 16 × 9 planes, luma and both colours added. Motion and light are not compensated. */
export function coarseDifference(a: Signature, b: Signature): number {
  let sum = 0;
  for (let i = 0; i < 3 * COARSE_PIXELS; i++) {
    const d = b.coarse[i]! - a.coarse[i]!;
    sum += d < 0 ? -d : d;
  }
  return sum / COARSE_PIXELS;
}

/**
 * Searches `a` for the block of `b` at `left`, `top`.
 * @returns offset of the best match in the plane, the sum of absolute differences there, and the sum without displacement
 */
export function bestMatch(a: Int16Array, b: Int16Array, left: number, top: number) {
  const at = top * PLANE_WIDTH + left;
  const inPlace = blockDifference(a, b, at, 0, Number.POSITIVE_INFINITY);
  let offset = 0;
  let difference = inPlace;
  if (inPlace < QUIET_DIFFERENCE) return { offset, difference, inPlace };
  for (let k = 0; k < DISPLACEMENTS.length; k += 2) {
    const x = left + DISPLACEMENTS[k]!;
    const y = top + DISPLACEMENTS[k + 1]!;
    if (x < 0 || x + BLOCK_WIDTH > PLANE_WIDTH || y < 0 || y + BLOCK_HEIGHT > PLANE_HEIGHT) continue;
    const moved = y * PLANE_WIDTH + x - at;
    const sum = blockDifference(a, b, at, moved, difference);
    if (sum < difference) {
      difference = sum;
      offset = moved;
    }
  }
  return { offset, difference, inPlace };
}

/** Sum of absolute differences of one block. Stops early once it exceeds `limit`. */
function blockDifference(a: Int16Array, b: Int16Array, at: number, offset: number, limit: number) {
  let sum = 0;
  for (let row = at, end = at + BLOCK_HEIGHT * PLANE_WIDTH; row < end && sum < limit; row += PLANE_WIDTH) {
    for (let i = row; i < row + BLOCK_WIDTH; i++) {
      const d = b[i]! - a[i + offset]!;
      sum += d < 0 ? -d : d;
    }
  }
  return sum;
}

function blockEnergy(plane: Int16Array, at: number): number {
  let sum = 0;
  for (let row = at, end = at + BLOCK_HEIGHT * PLANE_WIDTH; row < end; row += PLANE_WIDTH) {
    for (let i = row; i < row + BLOCK_WIDTH; i++) sum += Math.abs(plane[i]!);
  }
  return sum;
}

function displacements(reach: number): Int8Array {
  const all: [number, number][] = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) if (dx !== 0 || dy !== 0) all.push([dx, dy]);
  }
  all.sort(([ax, ay], [bx, by]) => ax * ax + ay * ay - (bx * bx + by * by));
  return Int8Array.from(all.flat());
}
