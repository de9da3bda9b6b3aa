/** What comes out of a decoder, in the shapes that the rest of reelvec works on. Types only: knows nothing of FFmpeg. */

/** A stretch of time, in seconds from the start of the file. `startSec` is in it, `endSec` is not. */
export interface TimeRange {
  readonly startSec: number;
  readonly endSec: number;
}

/** A decoded picture, scaled, upright: packed RGB, 8 bits a channel, rows from the top, no padding between rows. */
export interface Picture {
  /** Presentation time in seconds from the start of the file. */
  readonly timeSec: number;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** width × height × 3 bytes. */
  readonly data: Uint8Array;
}

/** How a picture is brought to the size that somebody asks for. */
export interface PictureSize {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `stretch` ignores the aspect ratio; `cover` fills the size and crops the middle. */
  readonly fit: 'stretch' | 'cover';
  /**
   * Where speed counts more than noise: each pixel is the mean of so many samples across and as many down, evenly
   * spread over it, of 2 × 2 source pixels each. Without it, and in small pictures, every source pixel counts.
   */
  readonly samples?: number;
  /** With `cover`: pixels that the shorter side gets before the crop; default: just enough. */
  readonly shortestEdge?: number;
  /** Default: `area`, the fastest. The others do what Pillow does, byte for byte. */
  readonly filter?: 'area' | 'bilinear' | 'bicubic' | 'lanczos';
}

/** A stretch of mono sound, −1 to 1. */
export interface Sound {
  readonly startSec: number;
  /** Hertz. */
  readonly sampleRate: number;
  readonly samples: Float32Array;
  /** Of stereo, the difference of both channels, in the scale of `samples`: see `restoreCancelled`. */
  readonly sides?: Float32Array;
}

/** The sound that somebody asks for. */
export interface SoundRate {
  /** Hertz. */
  readonly sampleRate: number;
  /** Default: `quick`. `fine` is for who was trained on sound that was resampled with care; see `resample`. */
  readonly resampling?: 'quick' | 'fine';
}

/** A line of a subtitle track. */
export interface Cue {
  readonly startSec: number;
  readonly endSec: number;
  readonly text: string;
}
