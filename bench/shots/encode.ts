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

/** How films are written; `bits` for each pixel of each picture: little, so that there is something to see of it. */
const CODECS = {
  h264: { encoder: FF_ENCODER_LIBX264, bits: 0.1, options: { preset: 'veryfast' } },
  'h264 low': { encoder: FF_ENCODER_LIBX264, bits: 0.03, options: { preset: 'veryfast' } },
  vp8: { encoder: FF_ENCODER_LIBVPX_VP8, bits: 0.08, options: { deadline: 'realtime', 'cpu-used': 8 } },
  mpeg4: { encoder: FF_ENCODER_MPEG4, bits: 0.15, options: {} },
} as const;

export interface Encoding {
  readonly codec: Codec;
  /** Pictures a second. */
  readonly rate: number;
  /** Pixels; what is composed is scaled to it. */
  readonly width: number;
  readonly height: number;
}

/** Writes pictures as a film; an unfinished one has another name. */
export async function writeFilm(path: string, pictures: Iterable<Rgb>, encoding: Encoding): Promise<void> {
  Log.setLevel(AV_LOG_ERROR);
  const { codec, rate, width, height } = encoding;
  const unfinished = path.replace(/(\.\w+)$/, '.unfinished$1');
  {
    const { encoder: name, bits, options } = CODECS[codec];
    using filter = FilterAPI.create(`scale=${width}:${height}:flags=bicubic,format=yuv420p`, {
      framerate: { num: rate, den: 1 },
    });
    const bitrate = Math.round(bits * width * height * rate);
    using encoder = await Encoder.create(name, { filter, bitrate, options });
    await using output = await Muxer.open(unfinished);
    const track = output.addStream(encoder);
    for await (using packet of encoder.packets(filter.frames(frames(pictures, rate)))) {
      await output.writePacket(packet, track);
    }
  }
  renameSync(unfinished, path);
}

async function* frames(pictures: Iterable<Rgb>, rate: number): AsyncGenerator<Frame> {
  let number = 0n;
  for (const picture of pictures) {
    const frame = Frame.fromVideoBuffer(Buffer.from(picture.buffer, picture.byteOffset, picture.byteLength), {
      ...{ width: WIDTH, height: HEIGHT, format: AV_PIX_FMT_RGB24 },
      ...{ timeBase: { num: 1, den: rate }, pts: number++ },
    });
    yield frame;
    frame.free();
  }
}
