/** Types of the facts that the probe reads from a media file. Independent of FFmpeg. */

import type { Picture } from './frames.ts';

/** The video track that is decoded. */
export interface VideoTrack {
  readonly index: number;
  /** FFmpeg's name of the codec, `h264`. */
  readonly codec: string;
  /** Coded size in pixels; this and the display size are 0×0 if the track does not declare it. */
  readonly codedWidth: number;
  readonly codedHeight: number;
  /** Display size in pixels: after rotation and with square pixels. */
  readonly width: number;
  readonly height: number;
  /** Clockwise turn that brings the coded picture upright: 0, 90, 180 or 270 degrees. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** Average frames per second; 0 if the container does not declare it. */
  readonly frameRate: number;
}

/** The audio track that is decoded. */
export interface AudioTrack {
  readonly index: number;
  /** FFmpeg's name of the codec, `aac`. */
  readonly codec: string;
  /** Hertz. */
  readonly sampleRate: number;
  readonly channels: number;
}

/** The subtitle track that is read for transcription. */
export interface SubtitleTrack {
  readonly index: number;
  /** FFmpeg's name of the codec, `mov_text`. */
  readonly codec: string;
  /** Language code (ISO 639-2) from the container. */
  readonly language?: string;
}

/** A track that cannot be decoded. */
export interface UnreadableTrack {
  readonly type: 'video' | 'audio';
  /** FFmpeg's name of the codec, or the container's if FFmpeg does not know it. */
  readonly codec: string;
  /** False if the reason is a codec without a decoder. */
  readonly isEncrypted: boolean;
}

/** Map from timestamps that restart within a file to one continuous timeline. */
export interface ClockMap {
  /** Parts of the file: from `fromByte` on, `addSec` is added to the timestamps. */
  readonly parts: readonly { readonly fromByte: number; readonly addSec: number }[];
  /** Entry points for decoding, with their times after the mapping. */
  readonly marks: readonly { readonly byte: number; readonly sec: number }[];
}

/** Result of the probe. */
export interface MediaInfo {
  /** FFmpeg's name of the container, `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly format: string;
  readonly mimeType: string;
  /** Size in bytes. */
  readonly size: number;
  /** Duration of the longest decoded track, in seconds. */
  readonly durationSec: number;
  /** Only for a file whose timestamps restart. */
  readonly clock?: ClockMap;
  readonly bitRate: number;
  readonly video?: VideoTrack;
  readonly audio?: AudioTrack;
  /** The text track for transcription, if one is readable. */
  readonly subtitles?: SubtitleTrack;
  /** Video and audio tracks that cannot be decoded. */
  readonly unreadable?: readonly UnreadableTrack[];
  /** Only for an image, which has neither tracks nor a duration. */
  readonly image?: ImageInfo;
  /** Descriptive facts for clients. */
  readonly details?: MediaDetails;
  /** Number of tracks of each kind, decoded or not. */
  readonly trackCounts: { readonly video: number; readonly audio: number; readonly subtitles: number };
}

/** Facts about an image file. */
export interface ImageInfo {
  readonly format: 'jpeg' | 'png' | 'webp' | 'avif';
  /** Display size in pixels. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation, 1 to 8. */
  readonly orientation?: number;
  readonly colorSpace?: string;
  readonly bitDepth?: number;
  readonly hasAlpha: boolean;
  readonly isAnimated: boolean;
}

/** Descriptive facts about the container and all of its tracks. Nothing is computed from them. */
export interface MediaDetails {
  /** Creation time from the container (RFC 3339). */
  readonly createdAt?: string;
  /** Start timecode `01:00:00:00`, with `;` before the frames for drop-frame. */
  readonly timecode?: string;
  /** Place of recording, in degrees and meters. */
  readonly location?: { readonly latitude: number; readonly longitude: number; readonly altitude?: number };
  readonly video: readonly VideoDetails[];
  readonly audio: readonly AudioDetails[];
}

/** Descriptive facts about a video track. */
export interface VideoDetails {
  readonly index: number;
  readonly codec: string;
  /** Coded size in pixels; 0×0 if the track does not declare it. */
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

/** Descriptive facts about an audio track. */
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

/** An image file, decoded and scaled to the requested size. */
export interface StillPicture {
  readonly format: 'jpeg' | 'png' | 'webp' | 'avif';
  /** Size as shown, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly picture: Picture;
}
