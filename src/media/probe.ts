import { AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_SUBTITLE, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import { Codec, type FormatContext, Packet, type Stream } from 'node-av/lib';
import { codecName, openContainer, ratio, tracksOf } from './container.ts';
import { ANIMATIONS } from './demuxers.ts';
import { detailsOf } from './details.ts';
import { encryptedTracks, isEncryptedTrack } from './encryption.ts';
import type { AudioTrack, MediaInfo, SubtitleTrack, UnreadableTrack, VideoTrack } from './info.ts';
import { measure } from './measure.ts';
import { rotationOf } from './picture/rotation.ts';
import { textCodec } from './subtitle-track.ts';
import { stillPicture } from './unreadable.ts';
import { undecodable } from './unreadable-track.ts';

/**
 * Reads the facts of a media file: container, tracks, duration, display size.
 * @param onProgress heartbeat while the whole file has to be read
 * @throws {ReelvecError} `source_not_media` for a refused format, `video_file_broken` for a damaged file,
 * `media_has_no_track` if no track can be decoded
 */
export function probe(path: string, onProgress: (doneSec: number) => void = () => {}): Omit<MediaInfo, 'size'> {
  using container = openContainer(path);
  const { context, subtitles } = container;
  const format = context.iformat?.name ?? 'unknown';
  if (ANIMATIONS.includes(format)) requireMotion(path, format);
  const measured = measure(container, path, onProgress);
  const middleSec = container.startSec + measured.durationSec / 2;
  const encrypted = format.startsWith('mov') ? encryptedTracks(context, middleSec) : undefined;
  const unlessEncrypted = (stream: Stream | undefined) => (stream && encrypted?.has(stream.index) ? undefined : stream);
  const video = unlessEncrypted(container.video);
  const audio = unlessEncrypted(container.audio);
  const unreadable = unreadableTracks(context, encrypted);
  if (!video && !audio && unreadable[0]) throw undecodable(unreadable[0]);
  const hasPictures = video !== undefined || unreadable.some(({ type }) => type === 'video');
  return {
    format,
    mimeType: mimeType(format, hasPictures),
    ...measured,
    bitRate: Number(context.bitRate),
    ...(video && { video: describeVideo(video) }),
    ...(audio && { audio: describeAudio(audio) }),
    ...(subtitles && { subtitles: describeSubtitles(subtitles) }),
    ...(unreadable.length > 0 && { unreadable }),
    details: detailsOf(context),
    trackCounts: {
      video: tracksOf(context.streams, AVMEDIA_TYPE_VIDEO).length,
      audio: tracksOf(context.streams, AVMEDIA_TYPE_AUDIO).length,
      subtitles: tracksOf(context.streams, AVMEDIA_TYPE_SUBTITLE).length,
    },
  };
}

/** @throws {ReelvecError} `source_not_media` for a single picture in a format for animations */
function requireMotion(path: string, format: string): void {
  using container = openContainer(path);
  using packet = new Packet();
  packet.alloc();
  let pictures = 0;
  for (; pictures < 2 && container.context.readFrameSync(packet) >= 0; pictures++) packet.unref();
  if (pictures < 2) throw stillPicture(format.replace(/_anim$/, '').toUpperCase());
}

function unreadableTracks(context: FormatContext, encrypted: ReadonlySet<number> = new Set()): UnreadableTrack[] {
  return (['video', 'audio'] as const).flatMap((type) =>
    tracksOf(context.streams, type === 'video' ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO).flatMap((stream) => {
      const isEncrypted = encrypted.has(stream.index) || isEncryptedTrack(context, stream);
      const isReadable = !isEncrypted && Codec.findDecoder(stream.codecpar.codecId) !== null;
      return isReadable ? [] : [{ type, codec: codecName(stream), isEncrypted }];
    }),
  );
}

/** Pixel aspect ratio, width over height; 1 if unknown. */
export function pixelAspect(stream: Stream): number {
  return ratio(stream.sampleAspectRatio) || ratio(stream.codecpar.sampleAspectRatio) || 1;
}

function describeVideo(stream: Stream): VideoTrack {
  const { width: codedWidth, height: codedHeight } = stream.codecpar;
  const rotation = rotationOf(stream);
  const square = Math.round(codedWidth * pixelAspect(stream));
  const turned = rotation === 90 || rotation === 270;
  return {
    index: stream.index,
    codec: codecName(stream),
    codedWidth,
    codedHeight,
    width: turned ? codedHeight : square,
    height: turned ? square : codedHeight,
    rotation,
    frameRate: ratio(stream.avgFrameRate) || ratio(stream.rFrameRate),
  };
}

function describeAudio(stream: Stream): AudioTrack {
  return {
    index: stream.index,
    codec: codecName(stream),
    sampleRate: stream.codecpar.sampleRate,
    channels: stream.codecpar.channels,
  };
}

function describeSubtitles(stream: Stream): SubtitleTrack {
  const language = stream.metadata?.get('language');
  return { index: stream.index, codec: textCodec(stream) ?? codecName(stream), ...(language && { language }) };
}

/** FFmpeg format name, MIME type with video, MIME type without. */
const MIME_TYPES: readonly (readonly [string, string, string])[] = [
  ['gif', 'image/gif', 'image/gif'],
  ['apng', 'image/apng', 'image/apng'],
  ['webp_anim', 'image/webp', 'image/webp'],
  ['mp4', 'video/mp4', 'audio/mp4'],
  ['webm', 'video/webm', 'audio/webm'],
  ['mpegts', 'video/mp2t', 'audio/mp2t'],
  ['mpeg', 'video/mpeg', 'audio/mpeg'],
  ['avi', 'video/x-msvideo', 'audio/x-msvideo'],
  ['flv', 'video/x-flv', 'audio/x-flv'],
  ['asf', 'video/x-ms-asf', 'audio/x-ms-wma'],
  ['mxf', 'application/mxf', 'application/mxf'],
  ['ogg', 'video/ogg', 'audio/ogg'],
  ['wav', 'audio/wav', 'audio/wav'],
  ['flac', 'audio/flac', 'audio/flac'],
  ['mp3', 'audio/mpeg', 'audio/mpeg'],
  ['aac', 'audio/aac', 'audio/aac'],
  ['aiff', 'audio/aiff', 'audio/aiff'],
];

function mimeType(format: string, hasVideo: boolean): string {
  const names = format.split(',');
  const known = MIME_TYPES.find(([name]) => names.includes(name));
  if (!known) return hasVideo ? `video/x-${names[0]}` : `audio/x-${names[0]}`;
  return hasVideo ? known[1] : known[2];
}
