import { AV_PIX_FMT_RGB24, AVCOL_RANGE_JPEG, AVCOL_SPC_RGB } from 'node-av/constants';
import { Frame } from 'node-av/lib';
import sharp from 'sharp';
import { ReelvecError } from '../errors.ts';
import type { PictureSize } from './frames.ts';
import type { StillPicture } from './info.ts';
import { Scaler } from './scaler.ts';

/** Pixels. */
const MIN_SIDE = 128;
/** Of the picture as it is in the file: what decoding takes grows with them. */
const MAX_PIXELS = 100_000_000;
/** Longest side that goes into the scaler; larger pictures are brought down on the way out of the decoder. Pixels. */
const MAX_SIDE = 4096;

/** What the decoder calls the formats that may be read; `heif` is AVIF where its codec is AV1. */
const FORMATS: Readonly<Record<string, StillPicture['format']>> = {
  jpeg: 'jpeg',
  png: 'png',
  webp: 'webp',
  heif: 'avif',
};

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp', 'VipsForeignLoadHeif'],
});
// One thread and nothing kept: a worker does one thing at a time, and not the same twice.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Decodes a picture file: upright by its EXIF orientation, in sRGB, on white where it is transparent, the first picture
 * of an animation. The last step to the size is the one that pictures of film go through, so that a still and the film
 * it is from look the same to an encoder. Runs in media workers only.
 * @throws {ReelvecError} that says what the picture is and what is allowed
 */
export async function readStill(path: string, size: PictureSize): Promise<StillPicture> {
  const image = sharp(path, { pages: 1, failOn: 'error', limitInputPixels: MAX_PIXELS, sequentialRead: true });
  const shape = await look(path);
  const decoded = await image
    .autoOrient()
    .flatten({ background: 'white' })
    .resize({ width: MAX_SIDE, height: MAX_SIDE, fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((error) => {
      throw damaged(error);
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
  const picture = { timeSec: 0, width: size.width, height: size.height, data: scaler.scale(frame) };
  return { ...shape, picture };
}

/** Reads the head of the file. */
async function look(path: string): Promise<Omit<StillPicture, 'picture'>> {
  const { format, compression, autoOrient } = await sharp(path, { pages: 1, limitInputPixels: false })
    .metadata()
    .catch((error) => {
      throw damaged(error);
    });
  const { width, height } = autoOrient;
  const known = FORMATS[format ?? ''];
  if (!known || (format === 'heif' && compression !== 'av1')) throw unsupported(format);
  const shown = `The image has ${width}×${height} pixels`;
  const details = { width, height };
  if (Math.min(width, height) < MIN_SIDE) {
    throw new ReelvecError(
      'video_resolution_too_low',
      `${shown}; both sides must have at least ${MIN_SIDE}. Scale it up, or use a better copy.`,
      { details },
    );
  }
  if (width * height > MAX_PIXELS) {
    throw new ReelvecError(
      'video_resolution_too_high',
      `${shown}; at most ${MAX_PIXELS / 1e6} million are allowed. Scale it down.`,
      { details },
    );
  }
  return { format: known, width, height };
}

function unsupported(format: string | undefined): ReelvecError {
  return new ReelvecError(
    'source_not_media',
    `The image is ${format === 'heif' ? 'HEIC' : (format ?? 'of an unknown format')}; it may be JPEG, PNG, WebP or AVIF. Convert it.`,
  );
}

function damaged(cause: unknown): ReelvecError {
  return new ReelvecError(
    'video_file_broken',
    'The image could not be read: it is damaged or cut off. Check that it opens in an image viewer and send the whole file.',
    { cause },
  );
}
