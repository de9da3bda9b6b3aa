import {
  AVCOL_TRC_ARIB_STD_B67,
  AVCOL_TRC_SMPTE2084,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  type AVPixelFormat,
} from 'node-av/constants';
import { avGetPixFmtName, type FormatContext, type Stream } from 'node-av/lib';
import { codecName, ratio, tracksOf } from './container.ts';
import type { AudioDetails, MediaDetails, VideoDetails } from './info.ts';
import { rotationOf } from './picture/rotation.ts';

/** Reads the descriptive facts of a file and its tracks. Facts that the file does not declare are omitted. */
export function detailsOf(context: FormatContext): MediaDetails {
  const { streams } = context;
  const tags = context.metadata?.getAll() ?? {};
  const timecode = tags['timecode'] ?? streams.map(({ metadata }) => metadata?.get('timecode')).find(Boolean);
  return {
    ...definedOnly({
      createdAt: asTime(tags['creation_time']),
      timecode: timecode && /^\d\d:\d\d:\d\d[:;]\d\d$/.test(timecode) ? timecode : undefined,
      location: asLocation(tags['location'] ?? tags['com.apple.quicktime.location.ISO6709']),
    }),
    video: tracksOf(streams, AVMEDIA_TYPE_VIDEO).map(videoDetails),
    audio: tracksOf(streams, AVMEDIA_TYPE_AUDIO).map(audioDetails),
  };
}

function videoDetails(stream: Stream): VideoDetails {
  const { width, height, bitRate, format, colorTrc } = stream.codecpar;
  return {
    index: stream.index,
    codec: codecName(stream),
    width,
    height,
    rotation: rotationOf(stream),
    isHdr: colorTrc === AVCOL_TRC_SMPTE2084 || colorTrc === AVCOL_TRC_ARIB_STD_B67,
    ...definedOnly({
      frameRate: ratio(stream.avgFrameRate) || ratio(stream.rFrameRate) || undefined,
      durationSec: durationOf(stream),
      bitRate: Number(bitRate) || undefined,
      pixelFormat: avGetPixFmtName(format as AVPixelFormat) ?? undefined,
    }),
  };
}

function audioDetails(stream: Stream): AudioDetails {
  const { sampleRate, channels, bitRate } = stream.codecpar;
  const language = stream.metadata?.get('language');
  return {
    index: stream.index,
    codec: codecName(stream),
    sampleRate,
    channels,
    ...definedOnly({
      durationSec: durationOf(stream),
      bitRate: Number(bitRate) || undefined,
      language: language && language !== 'und' ? language : undefined,
    }),
  };
}

function durationOf(stream: Stream): number | undefined {
  const sec = Number(stream.duration) * ratio(stream.timeBase);
  // AV_NOPTS_VALUE is far below zero.
  return sec > 0 ? sec : undefined;
}

function asTime(text: string | undefined): string | undefined {
  const ms = Date.parse(text ?? '');
  // The epochs of QuickTime (1904) and Unix mean that the camera's clock was not set.
  return ms > 0 ? new Date(ms).toISOString() : undefined;
}

/** Parses ISO 6709 as written by cameras: `+48.8577+002.295/` or `+48.8577+002.295+035.000/`. */
function asLocation(text: string | undefined): MediaDetails['location'] {
  const [, latitude, longitude, altitude] =
    /^([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?/.exec(text ?? '') ?? [];
  if (latitude === undefined || Math.abs(Number(latitude)) > 90 || Math.abs(Number(longitude)) > 180) return undefined;
  return {
    latitude: Number(latitude),
    longitude: Number(longitude),
    ...(altitude !== undefined && { altitude: Number(altitude) }),
  };
}

/** Copies an object without its undefined properties. */
function definedOnly<T extends object>(facts: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as T;
}
