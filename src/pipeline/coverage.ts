import type { MediaEvent } from '../media/events.ts';
import type { TimeRange } from '../media/frames.ts';
import type { EmbeddedChunk, EmbedJob } from '../workers/protocol.ts';
import { TimeRangeSet } from './time-range-set.ts';

/** A gap without packets from this length on has no content. Seconds. */
const BRIDGED_GAP_SEC = 10;
/** Content of less than this is no clip: its vector would describe the decoder's padding. Seconds. */
const MIN_CONTENT_SEC = 0.1;
/** Damaged stretches closer than this are reported as one. Seconds. */
const MERGED_DAMAGE_GAP_SEC = 1;

/**
 * What a chunk's tracks hold, as far as it was read: where there is content, and where it is damaged. A picture lasts
 * until the next one comes, for as long as either track has packets; gaps of less than ten seconds are bridged.
 */
export class Coverage {
  readonly #job: EmbedJob;
  /** Of both tracks, and of the sound alone. */
  readonly #content = new TimeRangeSet(BRIDGED_GAP_SEC);
  readonly #sound = new TimeRangeSet(BRIDGED_GAP_SEC);
  readonly #damaged = {
    visual: new TimeRangeSet(MERGED_DAMAGE_GAP_SEC),
    audio: new TimeRangeSet(MERGED_DAMAGE_GAP_SEC),
  };
  #firstPictureSec: number | undefined;
  #lostPicturesSec = 0;
  /** Seconds of sound in the range; undefined where none is decoded. */
  #soundSec: number | undefined;
  #damages = 0;

  /** @param reads the tracks that are decoded */
  constructor(job: EmbedJob, reads: { sound: boolean }) {
    this.#job = job;
    if (reads.sound) this.#soundSec = 0;
  }

  take(event: MediaEvent): void {
    if (event.type === 'content') {
      this.#content.add(event);
      if (event.of === 'sound') this.#sound.add(event);
    } else if (event.type === 'picture') {
      const { timeSec } = event.picture;
      this.#firstPictureSec ??= timeSec;
      // Not every picture comes at the time of its packet: absurd timestamps are put right.
      if (!event.isEarlier) this.#content.add({ startSec: timeSec, endSec: timeSec });
    } else if (event.type === 'skipped') {
      // A picture from before the range still stands when it begins.
      if (event.timeSec < this.#job.range.startSec) this.#firstPictureSec = this.#job.range.startSec;
    } else if (event.type === 'sound') {
      this.#soundSec = (this.#soundSec ?? 0) + event.sound.samples.length / event.sound.sampleRate;
    } else if (event.type === 'damage') {
      this.#takeDamage(event);
    }
  }

  #takeDamage({ of, isLost, startSec, endSec }: MediaEvent & { type: 'damage' }): void {
    if (isLost) this.#damages++;
    if (isLost && of === 'pictures') this.#lostPicturesSec += endSec - startSec;
    if (of) this.#damaged[of === 'pictures' ? 'visual' : 'audio'].add({ startSec, endSec });
  }

  /** True where a picture that began before stands on the screen in a segment. */
  shows(segment: TimeRange): boolean {
    return this.#content.lengthIn(segment) >= Math.min(MIN_CONTENT_SEC, segment.endSec - segment.startSec);
  }

  /** True where there is sound in a segment, or a pause that is too short to be a hole. */
  sounds(segment: TimeRange): boolean {
    return this.#sound.lengthIn(segment) >= MIN_CONTENT_SEC;
  }

  /** @returns what the task is told of the chunk, when all of it was read */
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
