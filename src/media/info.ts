/** What a source is, as found by looking at its content. Types only: knows nothing of FFmpeg. */

import type { Picture } from './frames.ts';

export interface VideoTrack {
  readonly index: number;
  /** FFmpeg's name of the codec, `h264`. */
  readonly codec: string;
  /** Size as coded, in pixels; 0×0, here and below, where nothing in the track tells it. */
  readonly codedWidth: number;
  readonly codedHeight: number;
  /** Size as shown: after rotation and with square pixels. */
  readonly width: number;
  readonly height: number;
  /** Clockwise turn that brings the coded picture upright: 0, 90, 180 or 270 degrees. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** Average frames per second; 0 when the container does not say. */
  readonly frameRate: number;
}

export interface AudioTrack {
  readonly index: number;
  /** FFmpeg's name of the codec, `aac`. */
  readonly codec: string;
  /** Hertz. */
  readonly sampleRate: number;
  readonly channels: number;
}

export interface SubtitleTrack {
  readonly index: number;
  /** FFmpeg's name of the codec, `mov_text`. */
  readonly codec: string;
  /** ISO 639-2 as the container tells it. */
  readonly language?: string;
}

export interface UnreadableTrack {
  readonly type: 'video' | 'audio';
  /** FFmpeg's name of the codec, or the container's where FFmpeg does not know it. */
  readonly codec: string;
  /** Else there is no decoder for it. */
  readonly isEncrypted: boolean;
}

/** Where in a file the timestamps start over, and what puts them into one line. */
export interface ClockMap {
  /** From each byte on, so many seconds are added. */
  readonly parts: readonly { readonly fromByte: number; readonly addSec: number }[];
  /** Places where decoding can start, with their times after that. */
  readonly marks: readonly { readonly byte: number; readonly sec: number }[];
}

export interface MediaInfo {
  /** FFmpeg's name of the container, `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly format: string;
  readonly mimeType: string;
  /** Bytes. */
  readonly size: number;
  /** Seconds; of the longest of the tracks that are used. */
  readonly durationSec: number;
  /** Only where the timestamps start over. */
  readonly clock?: ClockMap;
  readonly bitRate: number;
  readonly video?: VideoTrack;
  readonly audio?: AudioTrack;
  /** The text track that is read for transcription, if there is one that can be. */
  readonly subtitles?: SubtitleTrack;
  /** Tracks of pictures and sound that cannot be decoded. */
  readonly unreadable?: readonly UnreadableTrack[];
  /** Of an image: then there are no tracks, and no time. */
  readonly image?: ImageInfo;
  /** What is of interest to people. */
  readonly details?: MediaDetails;
  /** How many tracks of each kind there are, read or not. */
  readonly trackCounts: { readonly video: number; readonly audio: number; readonly subtitles: number };
}

export interface ImageInfo {
  readonly format: 'jpeg' | 'png' | 'webp' | 'avif';
  /** Size as shown, in pixels. */
  readonly width: number;
  readonly height: number;
  /** As in EXIF, 1 to 8. */
  readonly orientation?: number;
  readonly colorSpace?: string;
  readonly bitDepth?: number;
  readonly hasAlpha: boolean;
  readonly isAnimated: boolean;
}

/** Facts of the container and all its tracks that nothing is computed from. */
export interface MediaDetails {
  /** RFC 3339, as the container tells it. */
  readonly createdAt?: string;
  /** `01:00:00:00`, or with `;` where frames are dropped. */
  readonly timecode?: string;
  /** Degrees and meters. */
  readonly location?: { readonly latitude: number; readonly longitude: number; readonly altitude?: number };
  readonly video: readonly VideoDetails[];
  readonly audio: readonly AudioDetails[];
}

export interface VideoDetails {
  readonly index: number;
  readonly codec: string;
  /** Size as coded, in pixels; 0×0 where nothing in the track tells it. */
  readonly width: number;
  readonly height: number;
  readonly frameRate?: number;
  readonly durationSec?: number;
  /** Bits per second. */
  readonly bitRate?: number;
  readonly rotation: number;
  readonly pixelFormat?: string;
  readonly isHdr: boolean;
}

export interface AudioDetails {
  readonly index: number;
  readonly codec: string;
  /** Hertz. */
  readonly sampleRate: number;
  readonly channels: number;
  readonly durationSec?: number;
  /** Bits per second. */
  readonly bitRate?: number;
  readonly language?: string;
}

/** A picture file, decoded and brought to the size that was asked for. */
export interface StillPicture {
  readonly format: 'jpeg' | 'png' | 'webp' | 'avif';
  /** Size as shown, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly picture: Picture;
}
