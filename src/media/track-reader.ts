import { AV_FRAME_FLAG_CORRUPT, AVERROR_EAGAIN, AVERROR_EOF } from 'node-av/constants';
import { Codec, CodecContext, Frame, type Packet, type Stream } from 'node-av/lib';
import type { TimeRange } from '../domain/time-range.ts';
import { type Container, ratio } from './container.ts';
import { Undecodable } from './damage.ts';
import type { MediaEvent, TrackKind } from './events.ts';

/** Consecutive frames past the range that end it: a single timestamp may be damaged. */
const CONFIRMING_LATE_FRAMES = 3;
/** Maximum errors of a decoder on one packet, after which the packet is abandoned. */
const MAX_REFUSALS = 100;

/** Decodes one track. Packets that the decoder refuses are reported as damage and skipped. */
export abstract class TrackReader implements Disposable {
  readonly stream: Stream;
  /** Time up to which the track is decoded, in seconds. */
  timeSec = 0;
  /** True after the end of the range. */
  done = false;
  /** Undefined if the track's header is too damaged for a decoder to open. */
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
   * Decodes a packet and yields the resulting events.
   * @param packet null to flush the decoder at the end
   * @param span presentation time of the packet, in seconds from the start of the file
   */
  *read(
    packet: Packet | null,
    span: TimeRange = { startSec: this.timeSec, endSec: this.timeSec },
  ): Generator<MediaEvent> {
    // Packets follow the end while another track is behind: long pictures, or sound beyond the range.
    if (this.done) return;
    // An empty packet repeats the previous picture.
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

  /** Flushes the decoder. No packets follow. */
  *end(_contentEndSec: number): Generator<MediaEvent> {
    yield* this.read(null);
    this.done = true;
  }

  protected abstract take(frame: Frame): Iterable<MediaEvent>;

  /** True for a time past the range. Counts consecutive ones, which set `done`. */
  protected isPast(timeSec: number): boolean {
    this.#past = timeSec >= this.range.endSec ? this.#past + 1 : 0;
    this.done = this.#past >= CONFIRMING_LATE_FRAMES;
    return this.#past > 0;
  }

  /** Hook for a packet that could not be decoded. */
  protected lost(_range: TimeRange): void {}

  /** Reports concealed damage, clipped to the range. */
  protected *patched(damaged: TimeRange): Generator<MediaEvent> {
    const startSec = Math.max(damaged.startSec, this.range.startSec);
    const endSec = Math.min(damaged.endSec, this.range.endSec);
    if (startSec < endSec) yield { type: 'damage', of: this.#kind, isLost: false, startSec, endSec };
  }

  *#lose(span: TimeRange): Generator<MediaEvent> {
    this.lost(span);
    // Lost content belongs to the range in which it starts.
    if (span.startSec < this.range.startSec || span.startSec >= this.range.endSec) return;
    yield { type: 'damage', of: this.#kind, isLost: true, ...span, endSec: Math.min(span.endSec, this.range.endSec) };
  }

  [Symbol.dispose](): void {
    this.#frame.free();
    this.#decoder?.freeContext();
  }
}

/** True for a frame in which the decoder concealed errors. */
export function isPatched(frame: Frame): boolean {
  return frame.decodeErrorFlags !== 0 || (frame.flags & AV_FRAME_FLAG_CORRUPT) !== 0;
}

/** Opens a decoder. @returns undefined if the track has none, or its header is too damaged */
export function openDecoder(stream: Stream, options: Record<string, string>): CodecContext | undefined {
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.parametersToContext(stream.codecpar);
  context.pktTimebase = stream.timeBase;
  // One worker per core is running: more threads here would compete with the other workers.
  context.threadCount = 1;
  // Set one by one: a Dictionary passed to open2 is freed twice (node-av 6.1.1).
  for (const [name, value] of Object.entries(options)) context.setOption(name, value);
  if (context.open2Sync(codec, null) >= 0) return context;
  context.freeContext();
  return undefined;
}
