import { renameSync } from 'node:fs';
import { Encoder, FilterAPI, Muxer } from 'node-av/api';
import {
  AV_LOG_ERROR,
  AV_PIX_FMT_RGB24,
  FF_ENCODER_LIBVPX_VP8,
  FF_ENCODER_LIBX264,
  FF_ENCODER_MPEG4,
} from 'node-av/constants';
import { Frame, Log } from 'node-av/lib';
import { HEIGHT, type Rgb, WIDTH } from './picture.ts';

export type Codec = 'h264' | 'h264 low' | 'vp8' | 'mpeg4';

/** Encoder settings. `bits` per pixel of each picture are few, so that compression artefacts show. */
const CODECS = {
  h264: { encoder: FF_ENCODER_LIBX264, bits: 0.1, options: { preset: 'veryfast' } },
  'h264 low': { encoder: FF_ENCODER_LIBX264, bits: 0.03, options: { preset: 'veryfast' } },
  vp8: { encoder: FF_ENCODER_LIBVPX_VP8, bits: 0.08, options: { deadline: 'realtime', 'cpu-used': 8 } },
  mpeg4: { encoder: FF_ENCODER_MPEG4, bits: 0.15, options: {} },
} as const;

export interface Encoding {
  readonly codec: Codec;
  /** Pictures per second. 23.976 and the like are taken as thousands over 1001. */
  readonly rate: number;
  /** True if pictures last between half and four times as long, for periods of about a second. */
  readonly isVariable: boolean;
  /** Width of the file, in pixels. Composed pictures are scaled to it. */
  readonly width: number;
  readonly height: number;
}

/**
 * Writes pictures as a film, under another name until it is complete.
 * @param size of the pictures, in pixels
 */
export async function writeFilm(
  path: string,
  pictures: Iterable<Rgb> | AsyncIterable<Rgb>,
  encoding: Encoding,
  size = { width: WIDTH, height: HEIGHT },
): Promise<void> {
  Log.setLevel(AV_LOG_ERROR);
  const { codec, rate, width, height, isVariable } = encoding;
  const [num, den] = Number.isInteger(rate) ? [rate, 1] : [Math.round(rate * 1001), 1001];
  const unfinished = path.replace(/(\.\w+)$/, '.unfinished$1');
  {
    const { encoder: name, bits, options } = CODECS[codec];
    using filter = FilterAPI.create(`scale=${width}:${height}:flags=bicubic,format=yuv420p`, {
      framerate: { num, den },
    });
    const bitrate = Math.round(bits * width * height * rate);
    using encoder = await Encoder.create(name, { filter, bitrate, options });
    await using output = await Muxer.open(unfinished);
    const track = output.addStream(encoder);
    for await (using packet of encoder.packets(filter.frames(frames(pictures, size, num, den, isVariable)))) {
      await output.writePacket(packet, track);
    }
  }
  renameSync(unfinished, path);
}

/** Timestamps are multiples of a quarter of a picture's duration. */
const QUARTERS = 4;
/** Durations of pictures in a film of variable rate, in quarters, period by period. */
const LENGTHS = [4, 8, 4, 2, 16, 3, 5, 4];

async function* frames(
  pictures: Iterable<Rgb> | AsyncIterable<Rgb>,
  size: { width: number; height: number },
  num: number,
  den: number,
  isVariable: boolean,
): AsyncGenerator<Frame> {
  let quarters = 0;
  let number = 0;
  for await (const picture of pictures) {
    const frame = Frame.fromVideoBuffer(Buffer.from(picture.buffer, picture.byteOffset, picture.byteLength), {
      ...{ ...size, format: AV_PIX_FMT_RGB24 },
      ...{ timeBase: { num: den, den: QUARTERS * num }, pts: BigInt(quarters) },
    });
    quarters += isVariable ? LENGTHS[Math.floor((number++ * den) / num) % LENGTHS.length]! : QUARTERS;
    yield frame;
    frame.free();
  }
}
