import type { ImageInfo } from '../info.ts';
import { damagedImage, describeImage, openImage } from './image-file.ts';

/** Longest side of a thumbnail, in pixels. */
const THUMBNAIL_SIDE_PX = 640;

/**
 * Looks at an image, all of it: one that is cut off is found now, not by who wants to use it.
 * @param location a path, or a URL of this machine
 * @returns what it is, and a small copy of it as a JPEG file
 * @throws {ReelvecError} for what cannot be read as an image
 */
export async function inspectImage(location: string): Promise<{ image: ImageInfo; thumbnail: Uint8Array }> {
  const input = /^https?:/.test(location) ? await contentOf(location) : location;
  const image = await describeImage(input);
  const thumbnail = await openImage(input)
    .autoOrient()
    .flatten({ background: 'white' })
    .resize({ width: THUMBNAIL_SIDE_PX, height: THUMBNAIL_SIDE_PX, fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .jpeg()
    .toBuffer()
    .catch((error) => {
      throw damagedImage(error);
    });
  return { image, thumbnail };
}

async function contentOf(url: string): Promise<Uint8Array> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}.`);
  return answer.bytes();
}
