import { BLOCK_HEIGHT, BLOCK_WIDTH, bestMatch } from './change.ts';
import { MEASURES } from './measures.ts';
import { PLANE_HEIGHT, PLANE_WIDTH, type Signature } from './signature.ts';

const PLANE_PIXELS = PLANE_WIDTH * PLANE_HEIGHT;
/** Width of the pieces that are taken from one picture or another. They are small because the edge of a wipe cuts through. */
const PIECE_WIDTH = 4;
const PIECE_HEIGHT = 3;

/** Residuals of a window's pictures, predicted from those around them: the part that is fast to compute. */
export interface BlendFit {
  /** Sum of absolute differences between each inner picture and the best blend of its neighbours. */
  readonly blend: number;
  /** Upper bound of `blendShare`. */
  readonly maxBlendShare: number;
  /**
   * 0 if pieces in place, each from the neighbour that fits better, explain the inner pictures no better than the better one
   * of two whole neighbours, or the same for pieces of the window's ends. Towards 1 in a wipe.
   */
  readonly patchworkShare: number;
}

/** Compares each inner picture with its neighbours and with the ends. @param pictures at least three, at about equal steps */
export function fitBlend(pictures: readonly Signature[]): BlendFit {
  const { noiseLuma } = MEASURES.blend;
  const [first, last] = [pictures[0]!.croppedLuma, pictures.at(-1)!.croppedLuma];
  let blend = 0;
  let [near, nearPieces, far, farPieces] = [0, 0, 0, 0];
  for (let i = 1; i + 1 < pictures.length; i++) {
    const picture = pictures[i]!.croppedLuma;
    const around = residuals(picture, pictures[i - 1]!.croppedLuma, pictures[i + 1]!.croppedLuma);
    const ends = residuals(picture, first, last);
    blend += around.blend;
    near += around.whole;
    nearPieces += around.pieces;
    far += ends.whole;
    farPieces += ends.pieces;
  }
  const gain = (pieces: number, whole: number) => 1 - Math.min(1, pieces / (whole + noiseLuma * PLANE_PIXELS));
  return {
    blend,
    maxBlendShare: shareOf(near, blend, noiseLuma),
    patchworkShare: Math.sqrt(gain(nearPieces, near) * gain(farPieces, far)),
  };
}

/**
 * Residual of displaced blocks (motion compensation, as in video coding) as a share of the residuals of displaced blocks and
 * of blends together, over the inner pictures. 0.5 if both predict equally well, towards 1 in a dissolve. Light that goes up or down is a blend with
 * white or black, so the patterns must be blends too.
 */
export function blendShare(pictures: readonly Signature[], { blend }: BlendFit): number {
  const { noiseLuma, noisePattern, patternGraceRatio } = MEASURES.blend;
  const luma = displacedAll(pictures.map(({ croppedLuma }) => croppedLuma));
  const patterns = pictures.map(({ pattern }) => pattern);
  let patternBlend = 0;
  for (let i = 1; i + 1 < patterns.length; i++)
    patternBlend += residuals(patterns[i]!, patterns[i - 1]!, patterns[i + 1]!).blend;
  const pattern = shareOf(displacedAll(patterns), patternBlend, noisePattern);
  return Math.min(shareOf(luma, blend, noiseLuma), patternGraceRatio * pattern);
}

/**
 * Share of the detail's energy that the middle picture lacks, compared with the mean of both ends; where more than half is
 * lacking, the share that is left. Half way through a dissolve every edge has half its strength, so half of the energy is
 * gone, however much the camera shakes: 0.5. Motion leaves edges sharp, blur and darkness remove most of them: towards 0.
 */
export function fadedShare(pictures: readonly Signature[]): number {
  const ends = (energyOf(pictures[0]!.detail) + energyOf(pictures.at(-1)!.detail)) / 2;
  const left = energyOf(pictures[pictures.length >> 1]!.detail) / ends;
  return Math.max(0, Math.min(left, 1 - left));
}

function energyOf(detail: Int16Array): number {
  let energy = MEASURES.blend.noiseDetailEnergy * PLANE_PIXELS;
  for (let i = 0; i < detail.length; i++) energy += detail[i]! * detail[i]!;
  return energy;
}

function shareOf(displaced: number, blend: number, noise: number): number {
  return displaced / (displaced + blend + noise * PLANE_PIXELS);
}

/** Residual of all inner planes after displacement. */
function displacedAll(planes: readonly Int16Array[]): number {
  let sum = 0;
  for (let i = 1; i + 1 < planes.length; i++) sum += displaced(planes[i]!, planes[i - 1]!, planes[i + 1]!);
  return sum;
}

/**
 * Sums of absolute differences between a picture and: the better one of two others, the better one for each piece, and their
 * best blend. One pass, because this is computed often.
 */
function residuals(picture: Int16Array, a: Int16Array, b: Int16Array) {
  const { unevenShare } = MEASURES.blend;
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
          early += Math.abs(dA + unevenShare * (dB - dA));
          even += Math.abs(dA + dB);
          late += Math.abs(dB + unevenShare * (dA - dB));
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
