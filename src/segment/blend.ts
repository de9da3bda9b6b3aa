import { BLOCK_HEIGHT, BLOCK_WIDTH, bestMatch } from './change.ts';
import { PLANE_HEIGHT, PLANE_WIDTH, type Signature } from './signature.ts';

const PLANE_PIXELS = PLANE_WIDTH * PLANE_HEIGHT;
/** Blends that are tried: half of each, as between equal steps of a dissolve, and this share of one. */
const EARLY = 0.3;
/** Blocks that are taken as they are from one picture or the other: small, because the edge of a wipe cuts through. */
const PIECE_WIDTH = 4;
const PIECE_HEIGHT = 3;
/** Added to differences that others are divided by, so that noise alone decides nothing. Steps of luma per pixel. */
const LUMA_NOISE = 0.5;
/** The same in units of the pattern. */
const PATTERN_NOISE = 2;
/** The energy of all detail of a picture that is noise. Quarter steps of luma, squared. */
const DETAIL_NOISE = 9 * PLANE_PIXELS;
/** A blend of two patterns has less contrast than a pattern, so the best one leaves more than a blend of lumas does. */
const PATTERN_GRACE = 1.2;

/** How the pictures within a window come out of those around them, as far as is quick to tell. */
export interface BlendFit {
  /** What blends of the picture before and after leave of each picture between. Sum of absolute differences. */
  readonly blend: number;
  /** No more than this can `blendShare` be. */
  readonly maxBlendShare: number;
  /**
   * Are they patchwork? 0 if pieces in place, each from the picture before or after, explain no more than the better
   * one of the two alone, and the same for pieces of the first and the last picture; towards 1 in a wipe.
   */
  readonly patchworkShare: number;
}

/** @param pictures at about equal steps, at least three */
export function fitBlend(pictures: readonly Signature[]): BlendFit {
  const [first, last] = [pictures[0]!.inside, pictures.at(-1)!.inside];
  let blend = 0;
  let [near, nearPieces, far, farPieces] = [0, 0, 0, 0];
  for (let i = 1; i + 1 < pictures.length; i++) {
    const picture = pictures[i]!.inside;
    const around = parts(picture, pictures[i - 1]!.inside, pictures[i + 1]!.inside);
    const ends = parts(picture, first, last);
    blend += around.blend;
    near += around.whole;
    nearPieces += around.pieces;
    far += ends.whole;
    farPieces += ends.pieces;
  }
  const gain = (pieces: number, whole: number) => 1 - Math.min(1, pieces / (whole + LUMA_NOISE * PLANE_PIXELS));
  return {
    blend,
    maxBlendShare: shareOf(near, blend, LUMA_NOISE),
    patchworkShare: Math.sqrt(gain(nearPieces, near) * gain(farPieces, far)),
  };
}

/**
 * Are the pictures between blends? What displacement of blocks leaves of them, from the picture before or after as in
 * video coding, as a share of that and of what a blend of the two leaves: 0.5 if both do as well, towards 1 in a
 * dissolve. Light that goes up or down is a blend with white or black, so the patterns must be blends too.
 */
export function blendShare(pictures: readonly Signature[], { blend }: BlendFit): number {
  const luma = displacedAll(pictures.map(({ inside }) => inside));
  const patterns = pictures.map(({ pattern }) => pattern);
  let patternBlend = 0;
  for (let i = 1; i + 1 < patterns.length; i++)
    patternBlend += parts(patterns[i]!, patterns[i - 1]!, patterns[i + 1]!).blend;
  const pattern = shareOf(displacedAll(patterns), patternBlend, PATTERN_NOISE);
  return Math.min(shareOf(luma, blend, LUMA_NOISE), PATTERN_GRACE * pattern);
}

/**
 * Does the picture in the middle lack the detail that it should? Half way through a dissolve every edge is there at half
 * its strength, and half of the energy that the first and the last have on average is gone, however much the camera shakes:
 * 0.5. Motion leaves edges as sharp as they are, and where more is gone it is blurred or dark: towards 0.
 */
export function fadedShare(pictures: readonly Signature[]): number {
  const ends = (energyOf(pictures[0]!.detail) + energyOf(pictures.at(-1)!.detail)) / 2;
  const left = energyOf(pictures[pictures.length >> 1]!.detail) / ends;
  return Math.max(0, Math.min(left, 1 - left));
}

function energyOf(detail: Int16Array): number {
  let energy = DETAIL_NOISE;
  for (let i = 0; i < detail.length; i++) energy += detail[i]! * detail[i]!;
  return energy;
}

function shareOf(moved: number, blend: number, noise: number): number {
  return moved / (moved + blend + noise * PLANE_PIXELS);
}

/** What displacement leaves of all planes but the first and the last. */
function displacedAll(planes: readonly Int16Array[]): number {
  let sum = 0;
  for (let i = 1; i + 1 < planes.length; i++) sum += displaced(planes[i]!, planes[i - 1]!, planes[i + 1]!);
  return sum;
}

/**
 * What two pictures leave of a third, sums of absolute differences: the better one of them, the better one for each
 * piece, and their best blend. One pass, because this is asked for often.
 */
function parts(picture: Int16Array, a: Int16Array, b: Int16Array) {
  let [wholeA, wholeB, pieces, early, even, late] = [0, 0, 0, 0, 0, 0];
  for (let top = 0; top < PLANE_HEIGHT; top += PIECE_HEIGHT) {
    for (let left = 0; left < PLANE_WIDTH; left += PIECE_WIDTH) {
      let [fromA, fromB] = [0, 0];
      for (let row = top * PLANE_WIDTH + left, end = row + PIECE_HEIGHT * PLANE_WIDTH; row < end; row += PLANE_WIDTH) {
        for (let i = row; i < row + PIECE_WIDTH; i++) {
          const dA = picture[i]! - a[i]!;
          const dB = picture[i]! - b[i]!;
          fromA += dA < 0 ? -dA : dA;
          fromB += dB < 0 ? -dB : dB;
          early += Math.abs(dA + EARLY * (dB - dA));
          even += Math.abs(dA + dB);
          late += Math.abs(dB + EARLY * (dA - dB));
        }
      }
      wholeA += fromA;
      wholeB += fromB;
      pieces += fromA < fromB ? fromA : fromB;
    }
  }
  return { whole: Math.min(wholeA, wholeB), pieces, blend: Math.min(early, even / 2, late) };
}

function displaced(picture: Int16Array, before: Int16Array, after: Int16Array): number {
  let sum = 0;
  for (let top = 0; top < PLANE_HEIGHT; top += BLOCK_HEIGHT) {
    for (let left = 0; left < PLANE_WIDTH; left += BLOCK_WIDTH) {
      sum += Math.min(
        bestMatch(before, picture, left, top).difference,
        bestMatch(after, picture, left, top).difference,
      );
    }
  }
  return sum;
}
