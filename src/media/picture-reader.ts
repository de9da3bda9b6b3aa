import { AV_NOPTS_VALUE } from 'node-av/constants';
import { Frame, type Stream } from 'node-av/lib';
import type { TimeRange } from '../domain/time-range.ts';
import { type Container, ratio } from './container.ts';
import type { DecodeRequest, MediaEvent } from './events.ts';
import type { Picture } from './frames.ts';
import { rotationOf } from './picture/rotation.ts';
import { Scaler } from './picture/scaler.ts';
import { pixelAspect } from './probe.ts';
import { isPatched, TrackReader } from './track-reader.ts';

/** Minimum pictures per sample at which non-reference pictures are skipped. */
const SKIPPABLE_PICTURES_PER_SAMPLE = 5;

/** Decodes the pictures of a range, upright and scaled. */
export class PictureReader extends TrackReader {
  readonly #every: Scaler | undefined;
  readonly #sampled: Scaler | undefined;
  readonly #request: DecodeRequest;
  readonly #frameSec: number;
  #lastCell = Number.NEGATIVE_INFINITY;
  #next = 0;
  #lastStamp = AV_NOPTS_VALUE;
  /** Start of damaged pictures, in seconds; reset by the next intact key frame. */
  #damagedSec: number | undefined;
  /** The last picture, before the range or in it, that has not been output as a sample. */
  readonly #last = new Frame();
  #lastSec: number | undefined;

  constructor(container: Container, request: DecodeRequest, range: TimeRange) {
    super(container, 'pictures', container.video!, range, decoderSkips(container.video!, request));
    const orientation = { rotation: rotationOf(this.stream), pixelAspect: pixelAspect(this.stream) };
    this.#request = request;
    this.#every = request.everyPicture && new Scaler(request.everyPicture, orientation);
    this.#sampled = request.sampled && new Scaler(request.sampled, orientation);
    this.#last.alloc();
    this.#frameSec = frameSecOf(this.stream);
  }

  /** @param contentEndSec end of the content that was read, in seconds from the start of the file */
  override *end(contentEndSec: number): Generator<MediaEvent> {
    const isPassed = this.done;
    yield* super.end(contentEndSec);
    yield* this.#standing(contentEndSec);
    yield* this.#damagedUpTo(isPassed ? this.range.endSec : this.#next);
  }

  protected override lost({ startSec }: TimeRange): void {
    this.#damagedSec ??= startSec;
  }

  *#damagedUpTo(endSec: number): Generator<MediaEvent> {
    if (this.#damagedSec !== undefined) yield* this.patched({ startSec: this.#damagedSec, endSec });
    this.#damagedSec = undefined;
  }

  /**
   * Presentation time of a frame. Frames that a muxer clamped to one absurd time beyond the range follow their predecessors.
   * Times are rounded to microseconds, like the containers' start time: finer differences would move frames across chunk
   * edges.
   */
  #timeOf(frame: Frame): number {
    const stamp = frame.bestEffortTimestamp;
    const isHeld = stamp === this.#lastStamp;
    this.#lastStamp = stamp;
    const stampedSec = Number(stamp) * this.timeBase - this.startSec;
    const follows = stamp === AV_NOPTS_VALUE || (isHeld && stampedSec >= this.range.endSec);
    return Math.max(0, Math.round((follows ? this.#next : stampedSec) * 1e6) / 1e6);
  }

  protected override *take(frame: Frame): Generator<MediaEvent> {
    const timeSec = this.#timeOf(frame);
    this.timeSec = timeSec;
    const isPast = this.isPast(timeSec);
    if (isPatched(frame)) this.#damagedSec ??= timeSec;
    else if (frame.keyFrame) yield* this.#damagedUpTo(timeSec);
    if (!isPast) this.#next = timeSec + this.#frameSec;
    if (timeSec < this.range.startSec) {
      this.#keep(frame, timeSec);
      yield { type: 'skipped', timeSec };
      return;
    }
    yield* this.#standing(timeSec);
    if (isPast) return;
    if (this.#every) {
      yield {
        type: 'picture',
        view: 'every',
        picture: this.#picture(frame, timeSec, this.#every),
      };
    }
    if (!this.#sampled) return;
    // One microsecond of tolerance for the container's rounding: a frame at 0.999999 s opens the cell of 1 s.
    const cell = Math.floor((timeSec + 1e-6) * this.#request.sampled!.perSecond);
    if (cell === this.#lastCell) {
      this.#keep(frame, timeSec);
      return;
    }
    this.#lastCell = cell;
    yield {
      type: 'picture',
      view: 'sampled',
      picture: this.#picture(frame, timeSec, this.#sampled),
    };
  }

  #keep(frame: Frame, timeSec: number): void {
    this.#last.unref();
    this.#lastSec = this.#last.ref(frame) >= 0 ? timeSec : undefined;
  }

  /** Outputs the last picture if it stays for longer than a grid cell until the next one. */
  *#standing(nextSec: number): Generator<MediaEvent> {
    const { sampled } = this.#request;
    const lastSec = this.#lastSec;
    this.#lastSec = undefined;
    if (lastSec === undefined || !sampled) return;
    const isEarlier = lastSec < this.range.startSec;
    const fromSec = isEarlier ? this.range.startSec : lastSec;
    // One microsecond of tolerance, as above.
    if (nextSec - fromSec <= 1 / sampled.perSecond + 1e-6) return;
    const picture = this.#picture(this.#last, fromSec, this.#sampled!);
    yield { type: 'picture', view: 'sampled', picture, ...(isEarlier && { isEarlier }) };
  }

  #picture(frame: Frame, timeSec: number, scaler: Scaler): Picture {
    return { timeSec, ...scaler.scale(frame) };
  }

  override [Symbol.dispose](): void {
    this.#every?.[Symbol.dispose]();
    this.#sampled?.[Symbol.dispose]();
    this.#last.free();
    super[Symbol.dispose]();
  }
}

/**
 * Decoder options that skip work without effect on small pictures. Always deblocking: its drift is averaged out by scaling
 * and ends at each key frame. Non-reference pictures too, if only samples are requested and the film has several pictures
 * per sample.
 */
function decoderSkips(stream: Stream, { everyPicture, sampled }: DecodeRequest): Record<string, string> {
  const spare = !everyPicture && sampled && frameRateOf(stream) >= SKIPPABLE_PICTURES_PER_SAMPLE * sampled.perSecond;
  return { skip_loop_filter: 'all', ...(spare && { skip_frame: 'noref' }) };
}

/** Average duration of a picture, in seconds; 25 pictures per second if unknown. */
export function frameSecOf(stream: Stream): number {
  return 1 / (frameRateOf(stream) || 25);
}

function frameRateOf(stream: Stream): number {
  return ratio(stream.avgFrameRate) || ratio(stream.rFrameRate);
}
