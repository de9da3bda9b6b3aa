import { sizeWithinBudget } from '../../media/picture/budget-size.ts';
import type { Size } from '../../media/picture/resize.ts';

/** Division of a picture into patches, for vision models of variable input size. */
export interface PatchSpec {
  /** Side of a square patch, in pixels. */
  readonly patch: number;
  /** Side of the square of patches that the model merges into one soft token. */
  readonly pool: number;
  /** Maximum number of soft tokens of a picture. */
  readonly maxTokens: number;
}

/** Size of a model's input picture, and the soft tokens that the model makes of it. */
export interface PatchSize extends Size {
  readonly softTokens: number;
}

/** Model input for a list of pictures. Each is padded to the maximum number of patches. */
export interface Patches {
  /** Pictures × patches × (patch × patch × 3): bytes scaled to 0 … 1, in the order row, column, channel. Padding is 0. */
  readonly patches: Float32Array;
  /** Pictures × patches × 2: column and row of each patch. Padding is −1. */
  readonly positions: BigInt64Array;
  /** Number of patches of a picture, padding included. */
  readonly perPicture: number;
  /** Number of soft tokens of each picture. */
  readonly softTokens: readonly number[];
}

/** Packed RGB of a size that `patchSize` returned: rows from the top, without padding. */
interface PatchPicture extends Size {
  readonly data: Uint8Array;
}

/** Channels of a picture. */
const CHANNELS = 3;
/** Scaled value of each byte. */
const SCALED = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/**
 * Size to which a picture must be scaled, with a bicubic filter.
 * @param width width of the picture, in square pixels
 * @param height height of the picture
 */
export function patchSize(width: number, height: number, spec: PatchSpec): PatchSize {
  const token = spec.patch * spec.pool;
  const size = sizeWithinBudget({ width, height }, { maxPixels: spec.maxTokens * token ** 2, multiple: token });
  return { ...size, softTokens: (size.width * size.height) / token ** 2 };
}

/**
 * Divides pictures into patches.
 * @throws {Error} if a picture does not have a size that `patchSize` returns
 */
export function patchPictures(pictures: readonly PatchPicture[], spec: PatchSpec): Patches {
  const { patch, pool, maxTokens } = spec;
  const perPicture = maxTokens * pool ** 2;
  const length = patch ** 2 * CHANNELS;
  const patches = new Float32Array(pictures.length * perPicture * length);
  const positions = new BigInt64Array(pictures.length * perPicture * 2).fill(-1n);
  const softTokens = pictures.map((picture, n) => {
    const { width, height } = picture;
    const token = patch * pool;
    const tokens = (width * height) / token ** 2;
    if (width % token !== 0 || height % token !== 0 || tokens > maxTokens) {
      throw new Error(`A picture of ${width} × ${height} cannot be divided into at most ${maxTokens} soft tokens.`);
    }
    writePatches(picture, patch, patches.subarray(n * perPicture * length));
    writePositions(width / patch, height / patch, positions.subarray(n * perPicture * 2));
    return tokens;
  });
  return { patches, positions, perPicture, softTokens };
}

function writePatches({ width, height, data }: PatchPicture, patch: number, out: Float32Array): void {
  const row = patch * CHANNELS;
  let to = 0;
  for (let top = 0; top < height; top += patch) {
    for (let left = 0; left < width; left += patch) {
      for (let y = top; y < top + patch; y++) {
        const from = (y * width + left) * CHANNELS;
        for (let i = from; i < from + row; i++) out[to++] = SCALED[data[i]!]!;
      }
    }
  }
}

function writePositions(columns: number, rows: number, out: BigInt64Array): void {
  let to = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      out[to++] = BigInt(column);
      out[to++] = BigInt(row);
    }
  }
}
