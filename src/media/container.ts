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

/** Brands of ISO files that hold one picture, and what their format is called. Sequences have others: `avis`, `msf1`. */
const STILL_BRANDS: Readonly<Record<string, string>> = {
  avif: 'AVIF',
  heic: 'HEIC',
  heix: 'HEIC',
  heim: 'HEIC',
  heis: 'HEIC',
  mif1: 'HEIF',
  jpeg: 'HEIF',
};

/** An open file and the tracks that reelvec reads from it. */
export interface Container extends Disposable {
  readonly context: FormatContext;
  readonly video: Stream | undefined;
  readonly audio: Stream | undefined;
  readonly subtitles: Stream | undefined;
  /** Seconds; what every timestamp is counted from. */
  readonly startSec: number;
}

/** How to read from the server's own process, which lends blobs of a remote store by URL. */
const LOAN = {
  protocol_whitelist: 'http,tcp',
  // In requests of this many bytes: what is not read is not fetched.
  request_size: String(1024 ** 2),
  multiple_requests: '1',
  // And no `rw_timeout`: a read that gives up looks like the end of the media. The server is who gives up, and then
  // knows that what was made of it is not to be believed; a reader that waits in vain is killed for its silence.
};

/**
 * Opens a file by its content, whatever its name.
 * @param path of a local file, or the URL under which the blob store lends one
 * @throws {ReelvecError} `source_not_media` for what may not open, `video_file_broken` for what is damaged
 */
export function openContainer(path: string): Container {
  if (isLoan(path)) return open(path, LOAN);
  // The scheme keeps a name with a colon in it from being read as a protocol.
  return open(`file:${path}`, { protocol_whitelist: 'file' });
}

function isLoan(path: string): boolean {
  return path.startsWith('http://127.0.0.1:');
}

function open(url: string, how: Record<string, string>): Container {
  Log.setLevel(AV_LOG_QUIET);
  const context = new FormatContext();
  const options = Dictionary.fromObject({ ...how, format_whitelist: ALLOWED.join(',') });
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
    // AV_NOPTS_VALUE is far below any real start
    startSec: start > -(1n << 60n) ? Number(start) / 1e6 : 0,
    [Symbol.dispose]: () => context.closeInputSync(),
  };
}

/** FFmpeg's name of a stream's codec; the container's four characters where FFmpeg does not know it. */
export function codecName({ codecpar }: Stream): string {
  const { codecId, codecTagString } = codecpar;
  const isUnknown = codecId === AV_CODEC_ID_NONE;
  return (isUnknown ? codecTagString?.trim() : avGetCodecName(codecId)) || 'unknown';
}

/** True for a track that has a decoder and, as far as its header says, is not encrypted. */
function isDecodable(context: FormatContext, stream: Stream): boolean {
  return Codec.findDecoder(stream.codecpar.codecId) !== null && !isEncryptedTrack(context, stream);
}

/** Numerator over denominator; 0 for FFmpeg's "unknown" (0/0, 0/1). */
export function ratio({ num, den }: { num: number; den: number }): number {
  return den === 0 ? 0 : num / den;
}

/** Tracks of one kind, without the cover pictures of audio files. */
export function tracksOf(streams: readonly Stream[], type: AVMediaType): Stream[] {
  return streams.filter(
    (stream) => stream.codecpar.codecType === type && (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) === 0,
  );
}

/** The track a player would pick: the first that is marked default, else the first, among those that can be read. */
function choose(context: FormatContext, type: AVMediaType): Stream | undefined {
  const readable = tracksOf(context.streams, type).filter((stream) => isDecodable(context, stream));
  return readable.find((stream) => (stream.disposition & AV_DISPOSITION_DEFAULT) !== 0) ?? readable[0];
}
