import sharp from 'sharp';
import type { Picture } from '../frames.ts';

/** JPEG quality at which the error is below that of most films' own compression. */
const QUALITY = 95;

/** Encodes a picture as a JPEG file with full colour resolution, for a server that decodes it. */
export async function encodeJpeg({ width, height, data }: Picture): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: QUALITY, chromaSubsampling: '4:4:4' })
    .toBuffer();
}
