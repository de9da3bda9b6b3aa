import { AV_PIX_FMT_RGB24, AVCOL_RANGE_JPEG, AVCOL_SPC_RGB } from 'node-av/constants';
import { Frame } from 'node-av/lib';
import { ReelvecError } from '../../errors.ts';
import type { PictureFormat } from '../frames.ts';
import type { StillPicture } from '../info.ts';
import { damagedImage, describeImage, openImage } from './image-file.ts';
import { Scaler } from './scaler.ts';

/** Minimum length of both sides of an image, in pixels. */
const MIN_SIDE_PX = 128;
/** Maximum side of the scaler's input, in pixels. Larger images are reduced by the decoder. */
const MAX_DECODED_SIDE_PX = 4096;

/**
 * Decodes an image file: upright by its EXIF orientation, in sRGB, with transparency on white; of an animation, the first
 * picture. The final scaling is the same as for video, so that a still and the film it is from look the same to an encoder.
 * For media workers only.
 * @throws {ReelvecError} for an unsupported, damaged, too large or too small image
 */
export async function readStill(path: string, size: PictureFormat): Promise<StillPicture> {
  const shape = await describeLargeEnough(path);
  const decoded = await openImage(path)
    .autoOrient()
    .flatten({ background: 'white' })
    .resize({ width: MAX_DECODED_SIDE_PX, height: MAX_DECODED_SIDE_PX, fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((error) => {
      throw damagedImage(error);
    });
  const { width, height } = decoded.info;
  using frame = Frame.fromVideoBuffer(decoded.data, {
    width,
    height,
    format: AV_PIX_FMT_RGB24,
    timeBase: { num: 1, den: 1 },
  });
  frame.colorRange = AVCOL_RANGE_JPEG;
  frame.colorSpace = AVCOL_SPC_RGB;
  using scaler = new Scaler(size, { rotation: 0, pixelAspect: 1 });
  return { ...shape, picture: { timeSec: 0, ...scaler.scale(frame) } };
}

/** Describes an image. @throws {ReelvecError} `image_resolution_too_low` below `MIN_SIDE_PX` */
async function describeLargeEnough(path: string): Promise<Omit<StillPicture, 'picture'>> {
  const { format, width, height } = await describeImage(path);
  if (Math.min(width, height) < MIN_SIDE_PX) {
    throw new ReelvecError(
      'image_resolution_too_low',
      `The image has ${width}×${height} pixels; both sides must have at least ${MIN_SIDE_PX}. Scale it up, or use a better copy.`,
      { details: { width, height } },
    );
  }
  return { format, width, height };
}
