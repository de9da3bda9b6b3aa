import type { TimeRange } from '../domain/time-range.ts';
import type { Picture, PictureFormat, Sound } from './frames.ts';
import type { ClockMap } from './info.ts';

/** Request for decoding a file: its range, and the outputs wanted. */
export interface DecodeRequest {
  readonly path: string;
  /** Time range to decode. Default: the whole file. */
  readonly range?: TimeRange;
  /** Map of timestamps that restart, from the probe. */
  readonly clock?: ClockMap;
  /** Outputs every decoded picture, at this size. */
  readonly everyPicture?: PictureFormat;
  /**
   * Outputs one picture per cell of a time grid that starts at 0: the first at or after the start of the cell. In addition,
   * each picture that stays for longer than a cell in the range, including one that began before the range.
   */
  readonly sampled?: PictureFormat & { readonly perSecond: number };
  /** Outputs the sound of the range. */
  readonly sound?: boolean;
  /** Outputs the sound of this wider range too, for speech recognition with context on both sides. */
  readonly listen?: TimeRange;
  /** Outputs the packets of the subtitle track. */
  readonly subtitles?: boolean;
}

/** Output of `decode`. */
export type MediaEvent =
  | {
      readonly type: 'picture';
      readonly view: 'every' | 'sampled';
      readonly picture: Picture;
      /** True for a picture that began before the range and is still shown in it. Its time is the start of the range. */
      readonly isEarlier?: boolean;
    }
  /**
   * Time range of a packet of a decoded track, including packets around the range, and packets of the sound if only
   * picture samples are requested.
   */
  | ({ readonly type: 'content'; readonly of: TrackKind } & TimeRange)
  /** Sound of the range. Its samples are valid until the next event: copy them to keep them. */
  | { readonly type: 'sound'; readonly sound: Sound }
  /** Sound of `listen` outside of the range. Its samples are valid until the next event. */
  | { readonly type: 'contextSound'; readonly sound: Sound }
  | { readonly type: 'subtitle'; readonly subtitle: RawSubtitle }
  /** Heartbeat while decoding before the range, which takes long where key frames are rare. */
  | { readonly type: 'skipped'; readonly timeSec: number }
  /**
   * Damage in the range, after which decoding continues. `isLost` is false for output that the decoder concealed or
   * predicted from damaged pictures. Without `of`, the read itself failed.
   */
  | ({ readonly type: 'damage'; readonly of?: TrackKind; readonly isLost: boolean } & TimeRange);

/** Kind of a decoded track. */
export type TrackKind = 'pictures' | 'sound';

/** Subtitle packet as stored in the container. `codec` is the format of `data`. */
export interface RawSubtitle extends TimeRange {
  readonly codec: string;
  /** Container time of the start of the file, in seconds, for codecs with times in their data (TTML). */
  readonly originSec: number;
  readonly data: Uint8Array;
}
