import sharp, { type Sharp } from 'sharp';
import { ReelvecError } from '../../errors.ts';
import type { ImageInfo } from '../info.ts';

/** Maximum number of pixels of an image file, which bounds the memory and time for decoding. */
const MAX_PIXELS = 100_000_000;

/** Supported formats, by the decoder's name. `heif` is AVIF if its codec is AV1. */
const FORMATS: Readonly<Record<string, ImageInfo['format']>> = {
  jpeg: 'jpeg',
  png: 'png',
  webp: 'webp',
  heif: 'avif',
};

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp', 'VipsForeignLoadHeif'],
});
// One thread and no cache: a worker runs one job at a time, and rarely the same one twice.
sharp.concurrency(1);
sharp.cache(false);

/** Opens an image for decoding; of an animation, the first picture. @param input a path, or the file's content */
export function openImage(input: string | Uint8Array): Sharp {
  return sharp(input, { pages: 1, failOn: 'error', limitInputPixels: MAX_PIXELS, sequentialRead: true });
}

/**
 * Reads the metadata of an image.
 * @throws {ReelvecError} for an unsupported format, too many pixels, or a damaged file
 */
export async function describeImage(input: string | Uint8Array): Promise<ImageInfo> {
  const found = await sharp(input, { limitInputPixels: false })
    .metadata()
    .catch((error) => {
      throw damagedImage(error);
    });
  const { format, compression, autoOrient, pages, pageHeight } = found;
  const isAnimated = (pages ?? 1) > 1 && format !== 'heif';
  const { width } = autoOrient;
  const height = isAnimated && pageHeight ? pageHeight : autoOrient.height;
  const known = FORMATS[format ?? ''];
  if (!known || (format === 'heif' && compression !== 'av1')) throw unsupported(format);
  if (width * height > MAX_PIXELS) {
    throw new ReelvecError(
      'image_resolution_too_high',
      `The image has ${width}×${height} pixels; at most ${MAX_PIXELS / 1e6} million are allowed. Scale it down.`,
      { details: { width, height } },
    );
  }
  return {
    format: known,
    width,
    height,
    hasAlpha: found.hasAlpha ?? false,
    isAnimated,
    ...(found.orientation && { orientation: found.orientation }),
    ...(found.space && { colorSpace: found.space }),
    ...(found.bitsPerSample && { bitDepth: found.bitsPerSample }),
  };
}

/** Error for an image that cannot be decoded. */
export function damagedImage(cause: unknown): ReelvecError {
  return new ReelvecError(
    'image_file_broken',
    'The image could not be read: it is damaged or cut off. Check that it opens in an image viewer and send the whole file.',
    { cause },
  );
}

function unsupported(format: string | undefined): ReelvecError {
  return new ReelvecError(
    'source_not_media',
    `The image is ${format === 'heif' ? 'HEIC' : (format ?? 'of an unknown format')}; it may be JPEG, PNG, WebP or AVIF. Convert it.`,
  );
}
