import {
  AV_NOPTS_VALUE,
  AVDISCARD_ALL,
  AVDISCARD_DEFAULT,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVSEEK_FLAG_BACKWARD,
  AVSEEK_FLAG_BYTE,
} from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet, type Stream } from 'node-av/lib';
import { Clock } from './clock.ts';
import { type Container, codecName, openContainer, ratio } from './container.ts';
import { Undecodable } from './damage.ts';
import type { Picture, PictureSize, Sound, TimeRange } from './frames.ts';
import type { ClockMap } from './info.ts';
import { pixelAspect, rotationOf } from './probe.ts';
import { MonoMixer } from './resample.ts';
import { Scaler } from './scaler.ts';

export interface DecodeRequest {
  readonly path: string;
  /** Only what lies in this range; default: all of it. */
  readonly range?: TimeRange;
  /** What the probe found of timestamps that start over. */
  readonly clock?: ClockMap;
  /** Every decoded picture, at this size. */
  readonly everyPicture?: PictureSize;
  /** One picture for each cell of a time grid that starts at 0: the first at or after the cell's beginning. */
  readonly sampled?: PictureSize & { readonly perSecond: number };
  readonly sound?: boolean;
  readonly subtitles?: boolean;
}

export type MediaEvent =
  | { readonly type: 'picture'; readonly view: 'every' | 'sampled'; readonly picture: Picture }
  | { readonly type: 'sound'; readonly sound: Sound }
  | { readonly type: 'subtitle'; readonly subtitle: RawSubtitle }
  /** A sign of life: what was decoded lies before the range, which may take long where key frames are rare. */
  | { readonly type: 'skipped'; readonly timeSec: number }
  /** Something could not be decoded; the stream goes on behind it. */
  | { readonly type: 'damage'; readonly timeSec: number }
  /** The last event: for how many seconds of the range each of the tracks that were asked for had something. */
  | { readonly type: 'covered'; readonly picturesSec?: number; readonly soundSec?: number };

/** A subtitle packet as the container holds it; `codec` says how to read `data`. */
export interface RawSubtitle {
  readonly codec: string;
  readonly startSec: number;
  readonly endSec: number;
  readonly data: Uint8Array;
}

/**
 * Seconds before the range at which reading starts: an audio decoder needs a few packets to settle, and a container
 * may hold the sound of a moment well before its picture.
 */
const PRE_ROLL_SEC = 2;
/** How long before the range a subtitle that reaches into it may begin. */
const SUBTITLE_PRE_ROLL_SEC = 30;
/** Sound that is further than this from where it should be (in seconds) is a real gap and not rounding. */
const SOUND_GAP_SEC = 0.05;
/** Pictures for each sample from which on such that no other is predicted from are skipped. */
const PICTURES_TO_SPARE = 5;
/** A timestamp beyond the range may be damaged: so many in a row, and the range is over. */
const PAST_FRAMES = 3;
/** A decoder that refuses the same packet this often will not come to its end. */
const REFUSALS = 100;
/** How long a subtitle without an end is shown, in seconds. */
const DEFAULT_SUBTITLE_SEC = 4;

/**
 * Decodes a local file once and gives everything that was asked for in the order of the file; each kind in order of
 * time. Pictures are upright, sound is mono at the track's own rate. Times count from the start of the file.
 * Synchronous: runs in media workers only.
 * @throws {ReelvecError} `video_file_broken` when it is not media
 */
export function* decode(request: DecodeRequest): Generator<MediaEvent> {
  using container = openContainer(request.path);
  const range = request.range ?? { startSec: 0, endSec: Number.POSITIVE_INFINITY };
  const wantsPictures = request.everyPicture !== undefined || request.sampled !== undefined;
  const clock = request.clock && new Clock(request.clock, container);
  const subtitles = request.subtitles ? container.subtitles : undefined;
  if (subtitles && range.startSec > 0) yield* earlierSubtitles(container, subtitles, range, clock);

  using pictures = wantsPictures && container.video ? new PictureReader(container, request, range) : undefined;
  using sounds = request.sound && container.audio ? new SoundReader(container, range) : undefined;
  read(container, [pictures?.stream, sounds?.stream, subtitles]);
  seek(container, range.startSec - PRE_ROLL_SEC, clock);

  // Text alone ends with the range; beside pictures or sound it ends with them.
  let textDone = subtitles === undefined;
  const finished = () => (pictures || sounds ? (pictures?.done ?? true) && (sounds?.done ?? true) : textDone);
  using packet = new Packet();
  packet.alloc();
  while (!finished()) {
    const result = container.context.readFrameSync(packet);
    if (result < 0) {
      if (result !== AVERROR_EOF) yield { type: 'damage', timeSec: pictures?.timeSec ?? sounds?.timeSec ?? 0 };
      break;
    }
    clock?.apply(packet);
    const index = packet.streamIndex;
    if (index === pictures?.stream.index) yield* pictures.read(packet);
    else if (index === sounds?.stream.index) yield* sounds.read(packet);
    else if (index === subtitles?.index) {
      const subtitle = readSubtitle(container, subtitles, packet);
      textDone = subtitle.startSec >= range.endSec;
      if (!textDone && subtitle.startSec >= range.startSec) yield { type: 'subtitle', subtitle };
    }
    packet.unref();
  }
  if (pictures && !pictures.done) yield* pictures.read(null);
  if (sounds && !sounds.done) yield* sounds.read(null);
  yield {
    type: 'covered',
    ...(pictures && { picturesSec: pictures.coveredSec }),
    ...(sounds && { soundSec: sounds.coveredSec }),
  };
}

/** Decodes one track; what the decoder refuses is reported and skipped. */
abstract class TrackReader implements Disposable {
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

  constructor(container: Container, stream: Stream, range: TimeRange, decoderOptions: Record<string, string>) {
    this.stream = stream;
    this.range = range;
    this.timeBase = ratio(stream.timeBase);
    this.startSec = container.startSec;
    this.#decoder = openDecoder(stream, decoderOptions);
    this.#frame.alloc();
  }

  /** Seconds of the range for which there was something. */
  abstract get coveredSec(): number;

  /** @param packet null at the end of the file */
  *read(packet: Packet | null): Generator<MediaEvent> {
    if (!this.#decoder) {
      this.done = true;
      yield this.#lose(packet);
      return;
    }
    const sent = this.#decoder.sendPacketSync(packet);
    if (sent < 0 && sent !== AVERROR_EOF) yield this.#lose(packet);
    for (let refusals = 0; !this.done && refusals < REFUSALS; ) {
      const received = this.#decoder.receiveFrameSync(this.#frame);
      if (received === AVERROR_EAGAIN || received === AVERROR_EOF) return;
      if (received < 0) {
        refusals++;
        yield this.#lose(packet);
        continue;
      }
      try {
        yield* this.take(this.#frame);
      } catch (error) {
        if (!(error instanceof Undecodable)) throw error;
        yield this.#lose(packet);
      }
      this.#frame.unref();
    }
  }

  protected abstract take(frame: Frame): Iterable<MediaEvent>;

  /** Whether a time lies beyond the range, and takes note of it. */
  protected isPast(timeSec: number): boolean {
    this.#past = timeSec >= this.range.endSec ? this.#past + 1 : 0;
    this.done = this.#past >= PAST_FRAMES;
    return this.#past > 0;
  }

  /** Takes note of what could not be decoded. */
  protected lost(_sec: number): void {}

  #lose(packet: Packet | null): MediaEvent {
    const timeSec = packet && packet.pts !== AV_NOPTS_VALUE ? this.#time(packet.pts) : this.timeSec;
    const isInside = timeSec >= this.range.startSec && timeSec < this.range.endSec;
    if (packet && isInside) this.lost(Number(packet.duration) * this.timeBase);
    return { type: 'damage', timeSec };
  }

  #time(stamp: bigint): number {
    return Number(stamp) * this.timeBase - this.startSec;
  }

  [Symbol.dispose](): void {
    this.#frame.free();
    this.#decoder?.freeContext();
  }
}

class PictureReader extends TrackReader {
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

class SoundReader extends TrackReader {
  readonly #mixer = new MonoMixer();
  /** Where the next sample belongs, in samples from the start of the file. */
  #position: number | undefined;
  coveredSec = 0;

  constructor(container: Container, range: TimeRange) {
    super(container, container.audio!, range, {});
  }

  protected override *take(frame: Frame): Generator<MediaEvent> {
    const { sampleRate } = frame;
    if (!(sampleRate > 0)) throw new Undecodable('sound without a rate');
    const stamp = frame.bestEffortTimestamp;
    const stamped =
      stamp === AV_NOPTS_VALUE ? undefined : Math.round((Number(stamp) * this.timeBase - this.startSec) * sampleRate);
    const expected = this.#position ?? stamped ?? 0;
    const isGap = stamped !== undefined && Math.abs(stamped - expected) > SOUND_GAP_SEC * sampleRate;
    const first = isGap ? stamped : expected;
    const last = first + frame.nbSamples;
    this.#position = last;
    this.timeSec = last / sampleRate;
    const from = Math.max(first, Math.round(this.range.startSec * sampleRate));
    const to = Math.min(last, Math.round(this.range.endSec * sampleRate));
    this.isPast(this.timeSec);
    if (to <= from) return;
    this.coveredSec += (to - from) / sampleRate;
    const samples = this.#mixer.mix(frame).subarray(from - first, to - first);
    yield { type: 'sound', sound: { startSec: from / sampleRate, sampleRate, samples } };
  }

  override [Symbol.dispose](): void {
    this.#mixer[Symbol.dispose]();
    super[Symbol.dispose]();
  }
}

/**
 * What a decoder may leave out because nobody will see it on pictures of a few pixels. Deblocking of pictures that no
 * other is predicted from, always. Where only samples are wanted, and the film has several pictures for each, those
 * pictures themselves, and all deblocking: the drift that follows stays below what scaling averages out, and ends with
 * each key frame.
 */
function thrift(stream: Stream, { everyPicture, sampled }: DecodeRequest): Record<string, string> {
  if (everyPicture || !sampled) return { skip_loop_filter: 'noref' };
  const spare = frameRateOf(stream) >= PICTURES_TO_SPARE * sampled.perSecond;
  return { skip_loop_filter: 'all', ...(spare && { skip_frame: 'noref' }) };
}

function frameRateOf(stream: Stream): number {
  return ratio(stream.avgFrameRate) || ratio(stream.rFrameRate);
}

function openDecoder(stream: Stream, options: Record<string, string>): CodecContext | undefined {
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

/** Subtitles that begin before the range and reach into it: a cheap pass that skips all other tracks. */
function* earlierSubtitles(
  container: Container,
  stream: Stream,
  range: TimeRange,
  clock: Clock | undefined,
): Generator<MediaEvent> {
  read(container, [stream]);
  seek(container, range.startSec - SUBTITLE_PRE_ROLL_SEC, clock);
  using packet = new Packet();
  packet.alloc();
  while (container.context.readFrameSync(packet) >= 0) {
    clock?.apply(packet);
    if (packet.streamIndex === stream.index) {
      const subtitle = readSubtitle(container, stream, packet);
      if (subtitle.startSec >= range.startSec) break;
      if (subtitle.endSec > range.startSec) yield { type: 'subtitle', subtitle };
    }
    packet.unref();
  }
}

function readSubtitle(container: Container, stream: Stream, packet: Packet): RawSubtitle {
  const timeBase = ratio(stream.timeBase);
  const startSec = Number(packet.pts) * timeBase - container.startSec;
  const durationSec = Number(packet.duration) * timeBase || DEFAULT_SUBTITLE_SEC;
  return {
    codec: codecName(stream),
    startSec,
    endSec: startSec + durationSec,
    data: Uint8Array.from(packet.data ?? []),
  };
}

/** Has the demuxer skip every track but these. */
function read(container: Container, wanted: readonly (Stream | undefined)[]): void {
  for (const stream of container.context.streams) {
    stream.discard = wanted.some((other) => other?.index === stream.index) ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

/** Goes to the last key frame at or before a time, in seconds from the start of the file. */
function seek(container: Container, timeSec: number, clock: Clock | undefined): void {
  if (clock) {
    container.context.seekFrameSync(-1, BigInt(clock.byteBefore(timeSec)), AVSEEK_FLAG_BYTE);
    return;
  }
  // Where a container cannot seek, reading starts where it stands and what comes too early is dropped.
  const target = BigInt(Math.round((Math.max(0, timeSec) + container.startSec) * 1e6));
  if (timeSec > 0) container.context.seekFrameSync(-1, target, AVSEEK_FLAG_BACKWARD);
}
