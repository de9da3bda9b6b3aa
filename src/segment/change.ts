import { type Area, COARSE_PIXELS, PLANE_HEIGHT, PLANE_WIDTH, type Signature } from './signature.ts';

/** Blocks that move as one, in pixels of the 32 × 18 planes: 4 × 3 of them. Smaller ones match anything by chance. */
export const BLOCK_WIDTH = 8;
export const BLOCK_HEIGHT = 6;
const BLOCK_PIXELS = BLOCK_WIDTH * BLOCK_HEIGHT;
/** How far a block is looked for, in pixels: 6 % of the width, 11 % of the height between two pictures. */
const REACH = 2;
/** [dx, dy] one after the other, nearest first: most blocks hardly move, and a good match ends the later ones early. */
const DISPLACEMENTS = displacements();
/** A block that differs by no more (in steps of whatever its plane holds) has not moved: noise is not searched. */
const QUIET = 1.5 * BLOCK_PIXELS;
/** What a step of colour difference counts beside a step of pattern. */
const COLOUR_WEIGHT = 0.5;

/** What differs between two pictures, as a mean over the pixels, in units of the pattern plane. */
export interface Change {
  /**
   * What neither motion nor exposure explains: the difference of the patterns, each block at its best displacement (as
   * in video coding), plus half that of the colours there. Near 0 for the same scene, 40 and more for unrelated ones.
   * Brightness and contrast of the whole picture do not enter.
   */
  readonly size: number;
  /** The part of it that is pattern. */
  readonly residual: number;
  /** What the pattern differs by where it stands, without displacement. */
  readonly inPlace: number;
}

export const NO_CHANGE: Change = { size: 0, residual: 0, inPlace: 0 };

/** How picture `b` has changed from picture `a`. */
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
  return { size: (residual + COLOUR_WEIGHT * colour) / pixels, residual: residual / pixels, inPlace: inPlace / pixels };
}

function pixelsIn({ top, bottom, left, right }: Area): number {
  return (bottom - top) * (right - left);
}

/** The size of the change alone. */
export function changeSize(a: Signature, b: Signature): number {
  return compare(a, b).size;
}

/** What differs without any displacement: the change is hardly ever more, and this is much quicker. */
export function changeInPlace(a: Signature, b: Signature): number {
  let pattern = 0;
  let colour = 0;
  for (let i = 0; i < a.pattern.length; i++) {
    pattern += Math.abs(b.pattern[i]! - a.pattern[i]!);
    colour += Math.abs(b.blue[i]! - a.blue[i]!) + Math.abs(b.red[i]! - a.red[i]!);
  }
  return (pattern + COLOUR_WEIGHT * colour) / pixelsIn(b.area);
}

/** A block with less detail than this (mean, in quarter steps of luma) is plain: that it stays says nothing. */
const PLAIN = 6;
/** A block with more detail than this says no more than one with this much. */
const TEXTURED = 40;
/** A block is still there if its best match differs by up to the first part of its detail, and gone at the second. */
const SAME_BLOCK_DIFFERENCE = 0.4;
const OTHER_BLOCK_DIFFERENCE = 0.6;

/**
 * The share of the detail of two pictures that is in both, 0 to 1, whatever the light does: a lamp, a flash, a title or
 * somebody who walks through leaves the rest of the scene in its place, a new shot leaves next to nothing.
 */
export function keptDetail(a: Signature, b: Signature): number {
  let all = 0;
  let same = 0;
  for (let top = 0; top < PLANE_HEIGHT; top += BLOCK_HEIGHT) {
    for (let left = 0; left < PLANE_WIDTH; left += BLOCK_WIDTH) {
      const at = top * PLANE_WIDTH + left;
      const detail = Math.max(blockEnergy(a.detail, at), blockEnergy(b.detail, at)) / BLOCK_PIXELS;
      const weight = Math.min(detail, TEXTURED) - PLAIN;
      if (weight <= 0) continue;
      all += weight;
      const differs = bestMatch(a.detail, b.detail, left, top).difference / BLOCK_PIXELS / detail;
      same +=
        weight *
        Math.min(1, Math.max(0, (OTHER_BLOCK_DIFFERENCE - differs) / (OTHER_BLOCK_DIFFERENCE - SAME_BLOCK_DIFFERENCE)));
    }
  }
  return all === 0 ? 0 : same / all;
}

/** Luma below this is black, which looks alike everywhere: that it stays says nothing. */
const MAX_BLACK_LUMA = 12;
/** At least this part of the picture is taken to be lit. */
const LEAST_LIT = 0.25;
/** A pixel stands if luma and colours differ by less than this part of the contrast, or this many steps. */
const STANDS = 0.2;
const STANDS_STEPS = 3;

/**
 * The share of the lit picture that is as it was, in place and colour, 0 to 1. Walls, sky and the painted background of
 * a cartoon have little detail to be kept but stand while somebody jumps in front of them; in a new shot little does.
 */
export function unchangedShare(a: Signature, b: Signature): number {
  const { top, bottom, left, right } = b.area;
  const most = Math.max(STANDS_STEPS, STANDS * Math.min(a.contrast, b.contrast));
  let lit = 0;
  let stands = 0;
  for (let row = top; row < bottom; row++) {
    for (let i = row * PLANE_WIDTH + left, end = row * PLANE_WIDTH + right; i < end; i++) {
      if (a.luma[i]! < MAX_BLACK_LUMA && b.luma[i]! < MAX_BLACK_LUMA) continue;
      lit++;
      if (Math.abs(a.luma[i]! - b.luma[i]!) >= most) continue;
      if (Math.abs(a.blue[i]! - b.blue[i]!) < most && Math.abs(a.red[i]! - b.red[i]!) < most) stands++;
    }
  }
  return stands / Math.max(lit, LEAST_LIT * pixelsIn(b.area));
}

/**
 * A mean difference of luma below this may be noise. In dark noisy scenes a key frame changes up to 3.7, for it renews the
 * noise that the pictures before it had lost; cuts between such scenes 5.6 and more. Steps of 8 bits.
 */
const NOISE_LUMA = 4;

/** True if luma differs by no more than noise does, whatever the patterns make of it. */
export function isWithinNoise(a: Signature, b: Signature): boolean {
  const { top, bottom, left, right } = b.area;
  let sum = 0;
  for (let row = top; row < bottom; row++) {
    for (let i = row * PLANE_WIDTH + left, end = row * PLANE_WIDTH + right; i < end; i++)
      sum += Math.abs(a.luma[i]! - b.luma[i]!);
  }
  return sum < NOISE_LUMA * pixelsIn(b.area);
}

/** Mean absolute difference of the coarse pictures, luma and colours together; neither motion nor light is taken out. */
export function coarseDifference(a: Signature, b: Signature): number {
  let sum = 0;
  for (let i = 0; i < 3 * COARSE_PIXELS; i++) {
    const d = b.coarse[i]! - a.coarse[i]!;
    sum += d < 0 ? -d : d;
  }
  return sum / COARSE_PIXELS;
}

/** Where the block of `b` at `left`, `top` lies in `a`: its offset; and sums of absolute differences there and in place. */
export function bestMatch(a: Int16Array, b: Int16Array, left: number, top: number) {
  const at = top * PLANE_WIDTH + left;
  const inPlace = blockDifference(a, b, at, 0, Number.POSITIVE_INFINITY);
  let offset = 0;
  let difference = inPlace;
  if (inPlace < QUIET) return { offset, difference, inPlace };
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

/** Sum of absolute differences of one block; stops early once it is past `limit`. */
function blockDifference(a: Int16Array, b: Int16Array, at: number, moved: number, limit: number) {
  let sum = 0;
  for (let row = at, end = at + BLOCK_HEIGHT * PLANE_WIDTH; row < end && sum < limit; row += PLANE_WIDTH) {
    for (let i = row; i < row + BLOCK_WIDTH; i++) {
      const d = b[i]! - a[i + moved]!;
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

function displacements(): Int8Array {
  const all: [number, number][] = [];
  for (let dy = -REACH; dy <= REACH; dy++) {
    for (let dx = -REACH; dx <= REACH; dx++) if (dx !== 0 || dy !== 0) all.push([dx, dy]);
  }
  all.sort(([ax, ay], [bx, by]) => ax * ax + ay * ay - (bx * bx + by * by));
  return Int8Array.from(all.flat());
}
