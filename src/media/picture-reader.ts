import { AV_NOPTS_VALUE } from 'node-av/constants';
import { Frame, type Stream } from 'node-av/lib';
import { type Container, ratio } from './container.ts';
import type { DecodeRequest, MediaEvent } from './events.ts';
import type { Picture, PictureSize, TimeRange } from './frames.ts';
import { pixelAspect } from './probe.ts';
import { rotationOf } from './rotation.ts';
import { Scaler } from './scaler.ts';
import { TrackReader } from './track-reader.ts';

/** Pictures for each sample from which on such that no other is predicted from are skipped. */
const PICTURES_TO_SPARE = 5;

/** Pictures of the range, upright and scaled. */
export class PictureReader extends TrackReader {
  readonly #every: Scaler | undefined;
  readonly #sampled: Scaler | undefined;
  readonly #request: DecodeRequest;
  readonly #frameSec: number;
  #lastCell = Number.NEGATIVE_INFINITY;
  #next = 0;
  /** When the first picture of the range came. */
  #firstSec: number | undefined;
  #lostSec = 0;
  /** The last picture before the range, until one behind it comes. */
  readonly #before = new Frame();
  #hasBefore = false;

  constructor(container: Container, request: DecodeRequest, range: TimeRange) {
    super(container, container.video!, range, thrift(container.video!, request));
    const orientation = { rotation: rotationOf(this.stream), pixelAspect: pixelAspect(this.stream) };
    this.#request = request;
    this.#every = request.everyPicture && new Scaler(request.everyPicture, orientation);
    this.#sampled = request.sampled && new Scaler(request.sampled, orientation);
    this.#before.alloc();
    this.#frameSec = 1 / (frameRateOf(this.stream) || 25);
  }

  /** Pictures stand until the next one comes, so only what lies before, behind, or was refused is missing. */
  override get coveredSec(): number {
    if (this.#firstSec === undefined) return 0;
    const endSec = this.done ? this.range.endSec : Math.min(this.#next, this.range.endSec);
    return Math.max(0, endSec - this.#firstSec - this.#lostSec);
  }

  protected override lost(sec: number): void {
    this.#lostSec += sec;
  }

  protected override *take(frame: Frame): Generator<MediaEvent> {
    const stamp = frame.bestEffortTimestamp;
    const stamped = stamp === AV_NOPTS_VALUE ? this.#next : Number(stamp) * this.timeBase - this.startSec;
    // Containers round their start time to microseconds: finer differences would move frames across chunk edges.
    const timeSec = Math.max(0, Math.round(stamped * 1e6) / 1e6);
    this.timeSec = timeSec;
    const isPast = this.isPast(timeSec);
    if (!isPast) this.#next = timeSec + this.#frameSec;
    if (timeSec < this.range.startSec) {
      this.#firstSec = this.range.startSec;
      this.#before.unref();
      this.#hasBefore = this.#before.ref(frame) >= 0;
      yield { type: 'skipped', timeSec };
      return;
    }
    yield* this.#standing(timeSec);
    if (isPast) return;
    this.#firstSec ??= timeSec;
    if (this.#every) {
      yield {
        type: 'picture',
        view: 'every',
        picture: this.#picture(frame, timeSec, this.#every, this.#request.everyPicture!),
      };
    }
    if (this.#sampled) {
      // a microsecond of grace: a frame at 0.999999 s opens the cell of 1 s, however the container rounds
      const cell = Math.floor((timeSec + 1e-6) * this.#request.sampled!.perSecond);
      if (cell > this.#lastCell) {
        this.#lastCell = cell;
        yield {
          type: 'picture',
          view: 'sampled',
          picture: this.#picture(frame, timeSec, this.#sampled, this.#request.sampled!),
        };
      }
    }
  }

  /** Where the first picture of the range comes late, the one before it still stands at its beginning. */
  *#standing(nextSec: number): Generator<MediaEvent> {
    const { sampled } = this.#request;
    const { startSec } = this.range;
    if (this.#hasBefore && sampled && nextSec - startSec > 1 / sampled.perSecond) {
      this.#lastCell = Math.floor((startSec + 1e-6) * sampled.perSecond);
      const picture = this.#picture(this.#before, startSec, this.#sampled!, sampled);
      yield { type: 'picture', view: 'sampled', picture };
    }
    this.#hasBefore = false;
    this.#before.unref();
  }

  #picture(frame: Frame, timeSec: number, scaler: Scaler, { width, height }: PictureSize): Picture {
    return { timeSec, width, height, data: scaler.scale(frame) };
  }

  override [Symbol.dispose](): void {
    this.#every?.[Symbol.dispose]();
    this.#sampled?.[Symbol.dispose]();
    this.#before.free();
    super[Symbol.dispose]();
  }
}

/**
 * What a decoder may leave out because nobody will see it on pictures of a few pixels: deblocking (the drift that
 * follows stays below what scaling averages out, and ends with each key frame); and where only samples are wanted, and
 * the film has several pictures for each, pictures that no other is predicted from.
 */
function thrift(stream: Stream, { everyPicture, sampled }: DecodeRequest): Record<string, string> {
  const spare = !everyPicture && sampled && frameRateOf(stream) >= PICTURES_TO_SPARE * sampled.perSecond;
  return { skip_loop_filter: 'all', ...(spare && { skip_frame: 'noref' }) };
}

function frameRateOf(stream: Stream): number {
  return ratio(stream.avgFrameRate) || ratio(stream.rFrameRate);
}
