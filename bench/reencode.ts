import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Decoder, Demuxer, Encoder, FilterAPI, Muxer } from 'node-av/api';
import {
  AV_LOG_ERROR,
  FF_ENCODER_FLAC,
  FF_ENCODER_LIBMP3LAME,
  FF_ENCODER_LIBVPX_VP8,
  FF_ENCODER_LIBX264,
} from 'node-av/constants';
import { Log } from 'node-av/lib';

/** Differences of a copy from its original. */
export interface Variant {
  readonly name: string;
  readonly extension: string;
  /** FFmpeg's filter, and options of the encoder, from properties of the original. */
  readonly filter: (original: Original) => string;
  readonly encoder:
    | typeof FF_ENCODER_FLAC
    | typeof FF_ENCODER_LIBMP3LAME
    | typeof FF_ENCODER_LIBVPX_VP8
    | typeof FF_ENCODER_LIBX264;
  readonly bitrate?: (original: Original) => number;
  readonly options?: Readonly<Record<string, string>>;
}

export interface Original {
  /** Bits per second, all tracks. */
  readonly bitRate: number;
  /** Pictures per second, or samples per second. */
  readonly rate: number;
}

const FAST = { preset: 'veryfast' };

export const VIDEO_VARIANTS: readonly Variant[] = [
  {
    name: 'half the bitrate',
    extension: 'mp4',
    filter: () => 'format=yuv420p',
    encoder: FF_ENCODER_LIBX264,
    bitrate: ({ bitRate }) => Math.round(bitRate / 2),
    options: FAST,
  },
  {
    name: 'two thirds of the size',
    extension: 'mp4',
    filter: () => 'scale=trunc(iw/3)*2:trunc(ih/3)*2,format=yuv420p',
    encoder: FF_ENCODER_LIBX264,
    options: FAST,
  },
  {
    name: 'WebM',
    extension: 'webm',
    filter: () => 'format=yuv420p',
    encoder: FF_ENCODER_LIBVPX_VP8,
    bitrate: ({ bitRate }) => bitRate,
    options: { deadline: 'realtime', 'cpu-used': '8' },
  },
  {
    name: 'other frame rate',
    extension: 'mp4',
    filter: ({ rate }) => `fps=${rate > 24 ? 24 : rate > 15 ? 15 : 10},format=yuv420p`,
    encoder: FF_ENCODER_LIBX264,
    options: FAST,
  },
];

export const AUDIO_VARIANTS: readonly Variant[] = [
  {
    name: 'MP3 64 kb/s',
    extension: 'mp3',
    filter: () => 'aformat=fltp:channel_layouts=mono|stereo',
    encoder: FF_ENCODER_LIBMP3LAME,
    bitrate: () => 64_000,
  },
  {
    name: 'other sample rate',
    extension: 'flac',
    filter: ({ rate }) => `aresample=${rate > 16_000 ? 16_000 : 44_100},aformat=s16`,
    encoder: FF_ENCODER_FLAC,
  },
  { name: '6 dB softer', extension: 'flac', filter: () => 'volume=-6dB,aformat=s16', encoder: FF_ENCODER_FLAC },
];

/** Makes the copy unless it is there from an earlier run. @returns its path */
export async function reencode(path: string, kind: 'video' | 'audio', variant: Variant): Promise<string> {
  const target = join(
    import.meta.dirname,
    'out',
    variant.name.replaceAll(/\W+/g, '-'),
    `${basename(path)}.${kind}.${variant.extension}`,
  );
  if (existsSync(target)) return target;
  mkdirSync(dirname(target), { recursive: true });
  Log.setLevel(AV_LOG_ERROR);
  const unfinished = target.replace(/(\.\w+)$/, '.unfinished$1');
  {
    await using input = await Demuxer.open(path);
    const stream = kind === 'video' ? input.video() : input.audio();
    if (!stream) throw new Error(`${basename(path)} has no ${kind} track`);
    const { num, den } = stream.avgFrameRate;
    const rate = kind === 'video' ? num / den : stream.codecpar.sampleRate;
    const original = { bitRate: input.bitRate * 1000, rate };
    using decoder = await Decoder.create(stream);
    // New timestamps: those of tos_speech_640x360.ts restart in the middle, which no muxer accepts.
    const count = kind === 'video' ? `setpts=N/${rate}/TB` : 'asetpts=N/SR/TB';
    using filter = FilterAPI.create(`${count},${variant.filter(original)}`);
    using encoder = await Encoder.create(variant.encoder, {
      decoder,
      filter,
      bitrate: variant.bitrate?.(original),
      options: variant.options,
    });
    await using output = await Muxer.open(unfinished);
    const track = output.addStream(encoder);
    for await (using packet of encoder.packets(filter.frames(decoder.frames(input.packets(stream.index))))) {
      await output.writePacket(packet, track);
    }
  }
  renameSync(unfinished, target);
  return target;
}
