import type { ImageInfo } from '../info.ts';
import { damagedImage, describeImage, openImage } from './image-file.ts';
import { THUMBNAIL_SIDE_PX } from './thumbnail-side.ts';

/**
 * Reads an image's metadata and creates its thumbnail. Decodes the whole image, so that a truncated one fails here.
 * @param location a path, or the leased URL of a blob
 * @returns the metadata, and the thumbnail as a JPEG file
 * @throws {ReelvecError} for an unsupported or damaged image
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
