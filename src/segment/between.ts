import { BLOCK_HEIGHT, BLOCK_WIDTH, bestMatch } from './change.ts';
import { HEIGHT, type Signature, WIDTH } from './signature.ts';

const PIXELS = WIDTH * HEIGHT;
/** Shares of the later picture in the blends that are tried: between equal steps of a dissolve it is about half. */
const SHARES = [0.3, 0.5, 0.7];
/** Blocks that are taken as they are from one picture or the other: small, because the edge of a wipe cuts through. */
const PIECE_WIDTH = 4;
const PIECE_HEIGHT = 3;
/** Added to differences that others are divided by, so that noise alone decides nothing. Steps of luma per pixel. */
const NOISE = 0.5;

/** How the pictures within a window come out of those around them. */
export interface Between {
  /**
   * Are they blends? What displacement of blocks leaves of them, from the picture before or after as in video coding,
   * as a share of that and of what a blend of the two leaves: 0.5 if both do as well, towards 1 in a dissolve.
   */
  readonly blended: number;
  /**
   * Are they patchwork? 0 if pieces in place, each from the picture before or after, explain no more than the better
   * one of the two alone, and the same for pieces of the first and the last picture; towards 1 in a wipe.
   */
  readonly pieced: number;
}

/** @param pictures at about equal steps, at least three */
export function between(pictures: readonly Signature[]): Between {
  const [first, last] = [pictures[0]!.inside, pictures.at(-1)!.inside];
  let [moved, blend] = [0, 0];
  let [near, nearPieces, far, farPieces] = [0, 0, 0, 0];
  for (let i = 1; i + 1 < pictures.length; i++) {
    const [before, picture, after] = [pictures[i - 1]!.inside, pictures[i]!.inside, pictures[i + 1]!.inside];
    moved += displaced(picture, before, after);
    blend += Math.min(...SHARES.map((share) => blended(picture, before, after, share)));
    near += Math.min(difference(picture, before), difference(picture, after));
    nearPieces += pieced(picture, before, after);
    far += Math.min(difference(picture, first), difference(picture, last));
    farPieces += pieced(picture, first, last);
  }
  const noise = NOISE * PIXELS;
  const gain = (pieces: number, whole: number) => 1 - Math.min(1, pieces / (whole + noise));
  return {
    blended: moved / (moved + blend + noise),
    pieced: Math.sqrt(gain(nearPieces, near) * gain(farPieces, far)),
  };
}

function difference(a: Int16Array, b: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < PIXELS; i++) {
    const d = a[i]! - b[i]!;
    sum += d < 0 ? -d : d;
  }
  return sum;
}

function blended(picture: Int16Array, before: Int16Array, after: Int16Array, share: number): number {
  let sum = 0;
  for (let i = 0; i < PIXELS; i++) {
    const d = picture[i]! - before[i]! - share * (after[i]! - before[i]!);
    sum += d < 0 ? -d : d;
  }
  return sum;
}

function displaced(picture: Int16Array, before: Int16Array, after: Int16Array): number {
  let sum = 0;
  for (let top = 0; top < HEIGHT; top += BLOCK_HEIGHT) {
    for (let left = 0; left < WIDTH; left += BLOCK_WIDTH) {
      sum += Math.min(
        bestMatch(before, picture, left, top).difference,
        bestMatch(after, picture, left, top).difference,
      );
    }
  }
  return sum;
}

function pieced(picture: Int16Array, a: Int16Array, b: Int16Array): number {
  let sum = 0;
  for (let top = 0; top < HEIGHT; top += PIECE_HEIGHT) {
    for (let left = 0; left < WIDTH; left += PIECE_WIDTH) {
      let [fromA, fromB] = [0, 0];
      for (let row = top * WIDTH + left, end = row + PIECE_HEIGHT * WIDTH; row < end; row += WIDTH) {
        for (let i = row; i < row + PIECE_WIDTH; i++) {
          fromA += Math.abs(picture[i]! - a[i]!);
          fromB += Math.abs(picture[i]! - b[i]!);
        }
      }
      sum += Math.min(fromA, fromB);
    }
  }
  return sum;
}
