import type { Picture, PictureSize, Sound, TimeRange } from './frames.ts';
import type { ClockMap } from './info.ts';

/** What a decoder can be asked for. */
export interface DecodeRequest {
  readonly path: string;
  /** Only what lies in this range; default: all of it. */
  readonly range?: TimeRange;
  /** What the probe found of timestamps that start over. */
  readonly clock?: ClockMap;
  /** Every decoded picture, at this size. */
  readonly everyPicture?: PictureSize;
  /**
   * One picture for each cell of a time grid that starts at 0: the first at or after the cell's beginning. And each
   * picture that stands for longer than a cell in the range, although it may have begun before.
   */
  readonly sampled?: PictureSize & { readonly perSecond: number };
  readonly sound?: boolean;
  /** Sound of this wider range too, for somebody who has to hear what comes before and after. */
  readonly listen?: TimeRange;
  readonly subtitles?: boolean;
}

/** What comes out of a decoder. */
export type MediaEvent =
  | {
      readonly type: 'picture';
      readonly view: 'every' | 'sampled';
      readonly picture: Picture;
      /** It began before the range, still stands in it, and is given the time of the range's start. */
      readonly isEarlier?: boolean;
    }
  /**
   * A packet of a track that is used, with the time that it lasts: also packets around the range, and those of the sound
   * where only samples of the pictures are wanted.
   */
  | ({ readonly type: 'content'; readonly of: TrackKind } & TimeRange)
  /** Its samples last until the next event: sound to keep is copied. */
  | { readonly type: 'sound'; readonly sound: Sound }
  /** Likewise, outside of the range, where it was asked for with `listen`. */
  | { readonly type: 'around'; readonly sound: Sound }
  | { readonly type: 'subtitle'; readonly subtitle: RawSubtitle }
  /** A sign of life: what was decoded lies before the range, which may take long where key frames are rare. */
  | { readonly type: 'skipped'; readonly timeSec: number }
  /**
   * Something in the range could not be decoded, and the stream goes on behind it. What is not lost came out of the
   * decoder nevertheless, patched up, or predicted from what is damaged. Without `of` reading itself failed.
   */
  | ({ readonly type: 'damage'; readonly of?: TrackKind; readonly isLost: boolean } & TimeRange);

export type TrackKind = 'pictures' | 'sound';

/** A subtitle packet as the container holds it; `codec` says how to read `data`. */
export interface RawSubtitle {
  readonly codec: string;
  readonly startSec: number;
  readonly endSec: number;
  /** The container's time that counts as 0, for codecs whose data holds times of its own (TTML). Seconds. */
  readonly originSec: number;
  readonly data: Uint8Array;
}
