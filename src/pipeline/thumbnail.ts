import { ReelvecError } from '../errors.ts';
import { decode } from '../media/decode.ts';
import type { MediaInfo } from '../media/info.ts';
import { JpegEncoder } from '../media/picture/jpeg.ts';
import { THUMBNAIL_SIDE_PX } from '../media/picture/thumbnail-side.ts';

/** Position of the picture as a share of the duration: behind the opening titles. */
const POSITION_SHARE = 0.1;
/** Latest position of the picture, in seconds. */
const MAX_POSITION_SEC = 60;

/**
 * Creates the thumbnail of a film.
 * @param onProgress called while the decoder skips to the position, which takes long where key frames are rare
 * @returns a JPEG file
 * @throws {ReelvecError} `media_has_no_track` if the file has no decodable picture
 */
export function thumbnailOf(
  { path, media }: { path: string; media: MediaInfo },
  onProgress: (doneSec: number) => void,
): Uint8Array {
  const { video, durationSec, clock } = media;
  if (video) {
    const scale = Math.min(1, THUMBNAIL_SIDE_PX / Math.max(video.width, video.height));
    // The JPEG encoder needs even sides.
    const side = (pixels: number) => 2 * Math.max(1, Math.round((pixels * scale) / 2));
    const sampled = {
      width: side(video.width),
      height: side(video.height),
      fit: 'stretch',
      perSecond: 5,
    } as const;
    const startSec = Math.min(MAX_POSITION_SEC, durationSec * POSITION_SHARE);
    for (const range of [{ startSec, endSec: durationSec }, undefined]) {
      for (const event of decode({ path, sampled, clock, ...(range && { range }) })) {
        if (event.type === 'skipped') onProgress(event.timeSec);
        if (event.type !== 'picture') continue;
        using encoder = new JpegEncoder(sampled);
        return encoder.encode(event.picture);
      }
    }
  }
  throw new ReelvecError('media_has_no_track', 'The media has no picture that could be shown.');
}
