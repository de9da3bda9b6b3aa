import { AV_FRAME_FLAG_CORRUPT, AVERROR_EAGAIN, AVERROR_EOF } from 'node-av/constants';
import { Codec, CodecContext, Frame, type Packet, type Stream } from 'node-av/lib';
import { type Container, ratio } from './container.ts';
import { Undecodable } from './damage.ts';
import type { MediaEvent, TrackKind } from './events.ts';
import type { TimeRange } from './frames.ts';

/** A timestamp beyond the range may be damaged: so many in a row, and the range is over. */
const CONFIRMING_LATE_FRAMES = 3;
/** A decoder that refuses the same packet this often will not come to its end. */
const MAX_REFUSALS = 100;

/** Decodes one track; what the decoder refuses is reported and skipped. */
export abstract class TrackReader implements Disposable {
  readonly stream: Stream;
  /** Seconds; how far the track was decoded. */
  timeSec = 0;
  /** The end of the range has been passed. */
  done = false;
  /** Nothing where the track's header is too damaged for a decoder to open. */
  readonly #decoder: CodecContext | undefined;
  readonly #frame = new Frame();
  protected readonly timeBase: number;
  protected readonly startSec: number;
  protected readonly range: TimeRange;
  #past = 0;

  readonly #kind: TrackKind;

  constructor(
    container: Container,
    kind: TrackKind,
    stream: Stream,
    range: TimeRange,
    decoderOptions: Record<string, string>,
  ) {
    this.#kind = kind;
    this.stream = stream;
    this.range = range;
    this.timeBase = ratio(stream.timeBase);
    this.startSec = container.startSec;
    this.#decoder = openDecoder(stream, decoderOptions);
    this.#frame.alloc();
  }

  /**
   * @param packet null when no other comes
   * @param span when it is shown or heard, in seconds from the start of the file
   */
  *read(
    packet: Packet | null,
    span: TimeRange = { startSec: this.timeSec, endSec: this.timeSec },
  ): Generator<MediaEvent> {
    // Another track may be behind: its pictures are seconds long, or somebody listens to more sound than there are pictures.
    if (this.done) return;
    // An empty packet says that the picture before it stays.
    if (packet?.size === 0) return;
    if (!this.#decoder) {
      this.done = true;
      yield {
        type: 'damage',
        of: this.#kind,
        isLost: true,
        startSec: this.range.startSec,
        endSec: this.range.startSec,
      };
      return;
    }
    const sent = this.#decoder.sendPacketSync(packet);
    if (sent < 0 && sent !== AVERROR_EOF) yield* this.#lose(span);
    for (let refusals = 0; !this.done && refusals < MAX_REFUSALS; ) {
      const received = this.#decoder.receiveFrameSync(this.#frame);
      if (received === AVERROR_EAGAIN || received === AVERROR_EOF) return;
      if (received < 0) {
        refusals++;
        yield* this.#lose(span);
        continue;
      }
      try {
        yield* this.take(this.#frame);
      } catch (error) {
        if (!(error instanceof Undecodable)) throw error;
        yield* this.#lose(span);
      }
      this.#frame.unref();
    }
  }

  /** Gives what the decoder still holds. Nothing of the range is to come. */
  *end(_contentEndSec: number): Generator<MediaEvent> {
    yield* this.read(null);
    this.done = true;
  }

  protected abstract take(frame: Frame): Iterable<MediaEvent>;

  /** Whether a time lies beyond the range, and takes note of it. */
  protected isPast(timeSec: number): boolean {
    this.#past = timeSec >= this.range.endSec ? this.#past + 1 : 0;
    this.done = this.#past >= CONFIRMING_LATE_FRAMES;
    return this.#past > 0;
  }

  /** Takes note of what could not be decoded. */
  protected lost(_range: TimeRange): void {}

  /** Tells that a stretch came out of the decoder patched up, as far as it lies in the range. */
  protected *patched(stretch: TimeRange): Generator<MediaEvent> {
    const startSec = Math.max(stretch.startSec, this.range.startSec);
    const endSec = Math.min(stretch.endSec, this.range.endSec);
    if (startSec < endSec) yield { type: 'damage', of: this.#kind, isLost: false, startSec, endSec };
  }

  *#lose(span: TimeRange): Generator<MediaEvent> {
    this.lost(span);
    // What is lost belongs to the range in which it begins.
    if (span.startSec < this.range.startSec || span.startSec >= this.range.endSec) return;
    yield { type: 'damage', of: this.#kind, isLost: true, ...span, endSec: Math.min(span.endSec, this.range.endSec) };
  }

  [Symbol.dispose](): void {
    this.#frame.free();
    this.#decoder?.freeContext();
  }
}

/** True of a frame that the decoder patched up. */
export function isPatched(frame: Frame): boolean {
  return frame.decodeErrorFlags !== 0 || (frame.flags & AV_FRAME_FLAG_CORRUPT) !== 0;
}

/** @returns undefined where the track has no decoder, or its header is too damaged for one */
export function openDecoder(stream: Stream, options: Record<string, string>): CodecContext | undefined {
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.parametersToContext(stream.codecpar);
  context.pktTimebase = stream.timeBase;
  // As many workers as cores run side by side: a second thread here would only get in another worker's way.
  context.threadCount = 1;
  // One by one: a Dictionary given to open2 is freed twice (node-av 6.1.1).
  for (const [name, value] of Object.entries(options)) context.setOption(name, value);
  if (context.open2Sync(codec, null) >= 0) return context;
  context.freeContext();
  return undefined;
}
