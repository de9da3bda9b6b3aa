import { AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_SUBTITLE, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import type { Stream } from 'node-av/lib';
import { codecName, openContainer, ratio, tracksOf } from './container.ts';
import { detailsOf } from './details.ts';
import type { AudioTrack, MediaInfo, SubtitleTrack, VideoTrack } from './info.ts';
import { measure } from './measure.ts';
import { rotationOf } from './rotation.ts';

/**
 * Looks at a file's content: container, tracks, duration, size of the upright picture.
 * @param onProgress a sign of life, where all of the file has to be read
 * @throws {ReelvecError} `video_file_broken` when it is not media
 */
export function probe(path: string, onProgress: (doneSec: number) => void = () => {}): Omit<MediaInfo, 'size'> {
  using container = openContainer(path);
  const { context, video, audio, subtitles } = container;
  return {
    format: context.iformat?.name ?? 'unknown',
    mimeType: mimeType(context.iformat?.name ?? '', video !== undefined),
    ...measure(container, onProgress),
    bitRate: Number(context.bitRate),
    ...(video && { video: describeVideo(video) }),
    ...(audio && { audio: describeAudio(audio) }),
    ...(subtitles && { subtitles: describeSubtitles(subtitles) }),
    details: detailsOf(context),
    trackCounts: {
      video: tracksOf(context.streams, AVMEDIA_TYPE_VIDEO).length,
      audio: tracksOf(context.streams, AVMEDIA_TYPE_AUDIO).length,
      subtitles: tracksOf(context.streams, AVMEDIA_TYPE_SUBTITLE).length,
    },
  };
}

/** Width of a pixel over its height; 1 when unknown. */
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
  return { index: stream.index, codec: codecName(stream), ...(language && { language }) };
}

const MIME_TYPES: readonly (readonly [string, string, string])[] = [
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
