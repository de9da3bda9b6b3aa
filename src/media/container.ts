import {
  AV_CODEC_ID_NONE,
  AV_DISPOSITION_ATTACHED_PIC,
  AV_DISPOSITION_DEFAULT,
  AV_LOG_QUIET,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_SUBTITLE,
  AVMEDIA_TYPE_VIDEO,
  type AVMediaType,
} from 'node-av/constants';
import { avGetCodecName, Codec, Dictionary, FormatContext, Log, type Stream } from 'node-av/lib';
import { ALLOWED } from './demuxers.ts';
import { isEncryptedTrack } from './encryption.ts';
import { chooseSubtitles } from './subtitle-track.ts';
import { stillPicture, unreadable } from './unreadable.ts';

/** Format names by ISO brand of a still picture. Sequences have other brands: `avis`, `msf1`. */
const STILL_BRANDS: Readonly<Record<string, string>> = {
  avif: 'AVIF',
  heic: 'HEIC',
  heix: 'HEIC',
  heim: 'HEIC',
  heis: 'HEIC',
  mif1: 'HEIF',
  jpeg: 'HEIF',
};

/** An open media file and the tracks that are read from it. */
export interface Container extends Disposable {
  readonly context: FormatContext;
  readonly video: Stream | undefined;
  readonly audio: Stream | undefined;
  readonly subtitles: Stream | undefined;
  /** Timestamp of the start of the file, in seconds. Times count from it. */
  readonly startSec: number;
}

/** FFmpeg options for leased URLs: the server process serves blobs of a remote store to its workers. */
const LEASED_URL_OPTIONS = {
  protocol_whitelist: 'http,tcp',
  // Bytes per request, so that unread content is not fetched.
  request_size: String(1024 ** 2),
  multiple_requests: '1',
  // No `rw_timeout`: FFmpeg treats a read timeout as the end of the media. The server aborts instead, and discards the
  // result; the supervisor kills a worker that stalls in a read.
};

/**
 * Opens a media file. Its format is recognised by content, not by name.
 * @param path of a local file, or the leased URL of a blob
 * @throws {ReelvecError} `source_not_media` for a refused format, `video_file_broken` for a damaged file
 */
export function openContainer(path: string): Container {
  if (isLeasedUrl(path)) return open(path, LEASED_URL_OPTIONS);
  // Without the scheme, FFmpeg would take a name with a colon for a protocol.
  return open(`file:${path}`, { protocol_whitelist: 'file' });
}

function isLeasedUrl(path: string): boolean {
  return path.startsWith('http://127.0.0.1:');
}

function open(url: string, inputOptions: Record<string, string>): Container {
  Log.setLevel(AV_LOG_QUIET);
  const context = new FormatContext();
  const options = Dictionary.fromObject({ ...inputOptions, format_whitelist: ALLOWED.join(',') });
  try {
    const opened = context.openInputSync(url, null, options);
    if (opened < 0 || context.findStreamInfoSync(null) < 0) throw unreadable(url);
    const still = STILL_BRANDS[context.metadata?.get('major_brand') ?? ''];
    if (still) throw stillPicture(still);
  } catch (error) {
    context.closeInputSync();
    throw error;
  } finally {
    options.free();
  }
  const video = choose(context, AVMEDIA_TYPE_VIDEO);
  const start = context.startTime;
  return {
    context,
    video,
    audio: choose(context, AVMEDIA_TYPE_AUDIO),
    subtitles: chooseSubtitles(tracksOf(context.streams, AVMEDIA_TYPE_SUBTITLE)),
    // AV_NOPTS_VALUE is far below any real start.
    startSec: start > -(1n << 60n) ? Number(start) / 1e6 : 0,
    [Symbol.dispose]: () => context.closeInputSync(),
  };
}

/** FFmpeg's name of a stream's codec, or the container's four-character code if FFmpeg does not know it. */
export function codecName({ codecpar }: Stream): string {
  const { codecId, codecTagString } = codecpar;
  const isUnknown = codecId === AV_CODEC_ID_NONE;
  return (isUnknown ? codecTagString?.trim() : avGetCodecName(codecId)) || 'unknown';
}

/** True for a track with a decoder whose header does not say that it is encrypted. */
function isDecodable(context: FormatContext, stream: Stream): boolean {
  return Codec.findDecoder(stream.codecpar.codecId) !== null && !isEncryptedTrack(context, stream);
}

/** Value of a rational number; 0 for FFmpeg's "unknown" (0/0, 0/1). */
export function ratio({ num, den }: { num: number; den: number }): number {
  return den === 0 ? 0 : num / den;
}

/** Tracks of one type, without the cover pictures of audio files. */
export function tracksOf(streams: readonly Stream[], type: AVMediaType): Stream[] {
  return streams.filter(
    (stream) => stream.codecpar.codecType === type && (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) === 0,
  );
}

/** Selects a track as players do: the first default track, else the first, among the decodable ones. */
function choose(context: FormatContext, type: AVMediaType): Stream | undefined {
  const readable = tracksOf(context.streams, type).filter((stream) => isDecodable(context, stream));
  return readable.find((stream) => (stream.disposition & AV_DISPOSITION_DEFAULT) !== 0) ?? readable[0];
}
