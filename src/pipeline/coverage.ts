import type { TimeRange } from '../domain/time-range.ts';
import type { MediaEvent } from '../media/events.ts';
import type { EmbeddedChunk, EmbedJob } from '../workers/protocol.ts';
import { TimeRangeSet } from './time-range-set.ts';

/** Minimum gap between packets that counts as missing content, in seconds. Shorter gaps are bridged. */
const BRIDGED_GAP_SEC = 10;
/** Minimum content of a clip, in seconds. A vector of less would describe the decoder's padding. */
const MIN_CONTENT_SEC = 0.1;
/** Damaged ranges closer than this are reported as one, in seconds. */
const MERGED_DAMAGE_GAP_SEC = 1;

/**
 * Content and damage of a chunk's tracks, collected from decoder events. A picture lasts until the next one, as long as
 * either track has packets; gaps below `BRIDGED_GAP_SEC` are bridged.
 */
export class Coverage {
  readonly #job: EmbedJob;
  /** Time ranges with packets of either track. */
  readonly #content = new TimeRangeSet(BRIDGED_GAP_SEC);
  /** Time ranges with packets of sound. */
  readonly #sound = new TimeRangeSet(BRIDGED_GAP_SEC);
  readonly #damaged = {
    visual: new TimeRangeSet(MERGED_DAMAGE_GAP_SEC),
    audio: new TimeRangeSet(MERGED_DAMAGE_GAP_SEC),
  };
  #firstPictureSec: number | undefined;
  #lostPicturesSec = 0;
  /** Decoded sound within the range, in seconds; undefined if no sound is decoded. */
  #soundSec: number | undefined;
  #damages = 0;

  /** @param decodes the tracks that are decoded */
  constructor(job: EmbedJob, decodes: { sound: boolean }) {
    this.#job = job;
    if (decodes.sound) this.#soundSec = 0;
  }

  /** Records one decoder event. */
  record(event: MediaEvent): void {
    if (event.type === 'content') {
      this.#content.add(event);
      if (event.of === 'sound') this.#sound.add(event);
    } else if (event.type === 'picture') {
      const { timeSec } = event.picture;
      this.#firstPictureSec ??= timeSec;
      // A picture's time may differ from its packet's: the decoder corrects absurd timestamps.
      if (!event.isEarlier) this.#content.add({ startSec: timeSec, endSec: timeSec });
    } else if (event.type === 'skipped') {
      // A picture from before the range is still on the screen when the range begins.
      if (event.timeSec < this.#job.range.startSec) this.#firstPictureSec = this.#job.range.startSec;
    } else if (event.type === 'sound') {
      this.#soundSec = (this.#soundSec ?? 0) + event.sound.samples.length / event.sound.sampleRate;
    } else if (event.type === 'damage') {
      this.#recordDamage(event);
    }
  }

  #recordDamage({ of, isLost, startSec, endSec }: MediaEvent & { type: 'damage' }): void {
    if (isLost) this.#damages++;
    if (isLost && of === 'pictures') this.#lostPicturesSec += endSec - startSec;
    if (of) this.#damaged[of === 'pictures' ? 'visual' : 'audio'].add({ startSec, endSec });
  }

  /** True if a picture that began before a segment is on the screen in it. */
  hasPictures(segment: TimeRange): boolean {
    return this.#content.lengthIn(segment) >= Math.min(MIN_CONTENT_SEC, segment.endSec - segment.startSec);
  }

  /** True if a segment has sound; gaps below `BRIDGED_GAP_SEC` count as sound. */
  hasSound(segment: TimeRange): boolean {
    return this.#sound.lengthIn(segment) >= MIN_CONTENT_SEC;
  }

  /** Damage and missing content for the task's warnings. Call it after the last event. */
  report(): Pick<EmbeddedChunk, 'damages' | 'damaged' | 'missingSec'> {
    const { range, options } = this.#job;
    const lengthSec = range.endSec - range.startSec;
    const wantsVisual = options.includes('visual');
    return {
      damages: this.#damages,
      damaged: {
        ...(wantsVisual && { visual: this.#damaged.visual.list }),
        ...(this.#soundSec !== undefined && { audio: this.#damaged.audio.list }),
      },
      missingSec: {
        ...(wantsVisual && { visual: Math.max(0, lengthSec - this.#seenSec()) }),
        ...(this.#soundSec !== undefined && { audio: Math.max(0, lengthSec - this.#soundSec) }),
      },
    };
  }

  #seenSec(): number {
    if (this.#firstPictureSec === undefined) return 0;
    const seen = { startSec: this.#firstPictureSec, endSec: this.#job.range.endSec };
    return this.#content.lengthIn(seen) - this.#lostPicturesSec;
  }
}
