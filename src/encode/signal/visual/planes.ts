import type { Picture } from '../../../media/frames.ts';

/** Width and height of the pictures, in pixels. Enough for the overall appearance, and coarser than codec noise. */
export const SIDE = 64;
/** Number of pixels of a picture. */
const PIXELS = SIDE * SIDE;

/** Picture as luma (0 to 1) and chroma (−0.5 to 0.5), ITU-R BT.601; SIDE × SIDE values each, rows from the top. */
export interface Planes {
  readonly y: Float32Array;
  readonly cb: Float32Array;
  readonly cr: Float32Array;
}

/** Allocates planes. */
export function emptyPlanes(): Planes {
  return { y: new Float32Array(PIXELS), cb: new Float32Array(PIXELS), cr: new Float32Array(PIXELS) };
}

/**
 * Converts a picture to planes.
 * @throws {Error} if the picture is not SIDE × SIDE
 */
export function readPicture(picture: Picture, planes: Planes): void {
  const { data, width, height } = picture;
  if (width !== SIDE || height !== SIDE) {
    throw new Error(`The signal encoder takes pictures of ${SIDE}×${SIDE} pixels, got ${width}×${height}.`);
  }
  const { y, cb, cr } = planes;
  for (let i = 0, at = 0; i < PIXELS; i++, at += 3) {
    const red = data[at]! / 255;
    const blue = data[at + 2]! / 255;
    const luma = 0.299 * red + (0.587 / 255) * data[at + 1]! + 0.114 * blue;
    y[i] = luma;
    cb[i] = (blue - luma) * 0.564;
    cr[i] = (red - luma) * 0.713;
  }
}
