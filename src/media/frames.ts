import type { TimeRange } from '../domain/time-range.ts';
import type { ResizeFilter, Size } from './picture/resize.ts';

/** Types of decoded media: pictures, sound, subtitle cues. Independent of FFmpeg. */

/** A decoded, scaled, upright picture: packed RGB, 8 bits per channel, rows from the top, without padding. */
export interface Picture {
  /** Presentation time in seconds from the start of the file. */
  readonly timeSec: number;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** width × height × 3 bytes. */
  readonly data: Uint8Array;
}

/** Requested picture size, and the scaling to it. */
export type PictureFormat = PictureSize | ShapedPictureSize;

/** The same size for every picture. */
export interface PictureSize extends Size {
  /** `stretch` ignores the aspect ratio; `cover` fills the size and crops the middle. */
  readonly fit: 'stretch' | 'cover';
  /**
   * Speeds up scaling at the cost of noise: each pixel is the mean of `samples` × `samples` evenly spaced samples of
   * 2 × 2 source pixels. Default, and for small pictures: the mean of all source pixels.
   */
  readonly samples?: number;
  /** With `cover`: length of the shorter side before the crop, in pixels. Default: just enough. */
  readonly shortestEdge?: number;
  /** Default: `area`, the fastest. The others match Pillow byte for byte. */
  readonly filter?: 'area' | ResizeFilter;
}

/** A size that depends on the shape of the picture, all of which is kept. */
export interface ShapedPictureSize {
  readonly fit: 'shape';
  /** Size for a picture of this display size: upright, in square pixels. */
  readonly sizeFor: (shown: Size) => Size;
  readonly filter: ResizeFilter;
}

/** A piece of mono sound, −1 to 1. */
export interface Sound {
  readonly startSec: number;
  /** Hertz. */
  readonly sampleRate: number;
  readonly samples: Float32Array;
  /** Stereo only: the difference of the channels, in the scale of `samples`. See `restoreCancelled`. */
  readonly sides?: Float32Array;
}

/** Requested sample rate, and the resampling quality. */
export interface SoundRate {
  /** Hertz. */
  readonly sampleRate: number;
  /** Default: `quick`. `fine` is for models that were trained on sound of high-quality resamplers. See `resample`. */
  readonly resampling?: 'quick' | 'fine';
}

/** A line of a subtitle track. */
export interface Cue extends TimeRange {
  readonly text: string;
}

/** Part of an input of text, pictures and sound. Its media are decoded as the bundle's encoders ask for them. */
export type InputPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'picture'; readonly picture: Picture }
  /** Pictures of a film in order of time, without its sound. At least one. */
  | { readonly kind: 'video'; readonly pictures: readonly Picture[] }
  /** Mono sound, −1 to 1. */
  | { readonly kind: 'sound'; readonly samples: Float32Array };
