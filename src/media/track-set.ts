import type { Packet, Stream } from 'node-av/lib';
import type { TimeRange } from '../domain/time-range.ts';
import type { Container } from './container.ts';
import type { DecodeRequest, MediaEvent } from './events.ts';
import { PacketTimes } from './packet-times.ts';
import { frameSecOf, PictureReader } from './picture-reader.ts';
import { isStream } from './position.ts';
import { SoundReader } from './sound-reader.ts';
import { guideOf, isBehind, readSubtitle } from './subtitle-reader.ts';

/** Maximum delay of a picture in the file behind the sound of the same time, in seconds. */
const MAX_PICTURE_DELAY_SEC = 60;

/** The tracks that one pass over a file reads. Takes their packets in file order and yields events. */
export class TrackSet implements Disposable {
  readonly #container: Container;
  readonly #range: TimeRange;
  readonly #readers: DisposableStack;
  readonly #pictures: PictureReader | undefined;
  readonly #pictureTimes: PacketTimes | undefined;
  readonly #sounds: SoundReader | undefined;
  /**
   * Sound track whose packets are read. For picture samples they are read without being decoded: no packet follows a
   * picture that stays to the end of the film, and the times of the sound then bound the pass.
   */
  readonly #soundStream: Stream | undefined;
  readonly #soundTimes: PacketTimes | undefined;
  readonly #subtitles: Stream | undefined;
  /** Track that shows the position of a pass that reads subtitles alone. */
  readonly #guide: Stream | undefined;
  readonly #maxPictureDelaySec: number;
  /** End of the content so far, in seconds. */
  #contentEndSec = 0;
  #picturesDone: boolean;
  #subtitlesDone: boolean;

  constructor(container: Container, request: DecodeRequest, range: TimeRange) {
    this.#container = container;
    this.#range = range;
    const { pictures, sound, subtitles } = wantedTracks(container, request);
    using readers = new DisposableStack();
    this.#pictures = pictures && readers.use(new PictureReader(container, request, range));
    this.#sounds = sound && readers.use(new SoundReader(container, range, request.listen?.endSec));
    this.#soundStream = sound ?? (pictures && request.sampled && container.audio);
    this.#pictureTimes = pictures && new PacketTimes(container, pictures, frameSecOf(pictures));
    this.#soundTimes = this.#soundStream && new PacketTimes(container, this.#soundStream);
    this.#subtitles = subtitles;
    this.#guide = subtitles && !pictures && !sound ? guideOf(container) : undefined;
    this.#maxPictureDelaySec = isStream(container) ? Number.POSITIVE_INFINITY : MAX_PICTURE_DELAY_SEC;
    this.#picturesDone = pictures === undefined;
    this.#subtitlesDone = subtitles === undefined;
    this.#readers = readers.move();
  }

  /** Streams whose packets `read` takes. */
  get streams(): readonly (Stream | undefined)[] {
    return [this.#pictures?.stream, this.#soundStream, this.#subtitles, this.#guide];
  }

  /** The track that has to be decodable at the start of the range. */
  get anchor(): Stream | undefined {
    return this.#pictures?.stream ?? this.#sounds?.stream;
  }

  /** Time up to which the pictures are decoded, or else the sound, in seconds. */
  get timeSec(): number {
    return this.#pictures?.timeSec ?? this.#sounds?.timeSec ?? 0;
  }

  /** True after the end of the range. Subtitles end with the pictures and the sound, if either is decoded. */
  get isDone(): boolean {
    if (!this.#pictures && !this.#sounds) return this.#subtitlesDone;
    return this.#picturesDone && (this.#sounds?.done ?? true);
  }

  /** Takes the next packet of the file. */
  read(packet: Packet): Iterable<MediaEvent> {
    const index = packet.streamIndex;
    if (index === this.#pictures?.stream.index) return this.#readPicture(packet, this.#pictures);
    if (index === this.#soundStream?.index) return this.#readSound(packet);
    if (index === this.#subtitles?.index) return this.#readSubtitle(packet, this.#subtitles);
    if (index === this.#guide?.index) {
      this.#subtitlesDone = isBehind(this.#container, this.#guide, packet, this.#range.endSec);
    }
    return [];
  }

  /** Flushes the decoders. No packets follow. */
  *end(): Generator<MediaEvent> {
    if (this.#pictures) yield* this.#pictures.end(this.#contentEndSec);
    if (this.#sounds) yield* this.#sounds.end(this.#contentEndSec);
  }

  *#readPicture(packet: Packet, pictures: PictureReader): Generator<MediaEvent> {
    const span = this.#pictureTimes!.next(packet);
    yield this.#content('pictures', span);
    yield* pictures.read(packet, span);
    this.#picturesDone ||= pictures.done;
  }

  *#readSound(packet: Packet): Generator<MediaEvent> {
    const span = this.#soundTimes!.next(packet);
    yield this.#content('sound', span);
    if (this.#sounds) yield* this.#sounds.read(packet, span);
    this.#picturesDone ||= this.#soundTimes!.hasPassed(this.#range.endSec + this.#maxPictureDelaySec);
  }

  *#readSubtitle(packet: Packet, stream: Stream): Generator<MediaEvent> {
    const subtitle = readSubtitle(this.#container, stream, packet);
    this.#subtitlesDone = subtitle.startSec >= this.#range.endSec;
    if (!this.#subtitlesDone && subtitle.startSec >= this.#range.startSec) yield { type: 'subtitle', subtitle };
  }

  #content(of: 'pictures' | 'sound', span: TimeRange): MediaEvent {
    this.#contentEndSec = Math.max(this.#contentEndSec, span.endSec);
    return { type: 'content', of, ...span };
  }

  [Symbol.dispose](): void {
    this.#readers.dispose();
  }
}

/** Tracks of a file that a request needs decoded or read. */
export function wantedTracks(
  { video, audio, subtitles }: Container,
  request: DecodeRequest,
): { pictures: Stream | undefined; sound: Stream | undefined; subtitles: Stream | undefined } {
  return {
    pictures: request.everyPicture || request.sampled ? video : undefined,
    sound: request.sound || request.listen ? audio : undefined,
    subtitles: request.subtitles ? subtitles : undefined,
  };
}
