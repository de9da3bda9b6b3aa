import { AV_NOPTS_VALUE } from 'node-av/constants';
import { type Frame, Packet } from 'node-av/lib';
import type { TimeRange } from '../domain/time-range.ts';
import type { Clock } from './clock.ts';
import type { Container } from './container.ts';
import { Undecodable } from './damage.ts';
import type { MediaEvent } from './events.ts';
import { PacketTimes } from './packet-times.ts';
import { PRE_ROLL_SEC, readOnly, seek } from './position.ts';
import { MonoMixer } from './resample.ts';
import { isPatched, TrackReader } from './track-reader.ts';

/** Sound decoded before the range so that the decoder settles, in seconds. The seek may lead much further back. */
const DECODER_PRE_ROLL_SEC = 10;

/** Decodes the sound of a range, and of the context after it, mixed to mono at the track's sample rate. */
export class SoundReader extends TrackReader {
  readonly #endSec: number;
  readonly #mixer = new MonoMixer();
  /** Position of the next sample, for frames without a timestamp, in samples from the start of the file. */
  #position: number | undefined;
  /** Sample rate of the last frame, in hertz. A track may change it. */
  #sampleRate = 0;

  constructor(container: Container, range: TimeRange, listenEndSec = range.endSec) {
    super(container, 'sound', container.audio!, { ...range, endSec: Math.max(range.endSec, listenEndSec) }, {});
    this.#endSec = range.endSec;
  }

  /** Decodes a packet. Damage after the range is not reported: it belongs to the chunk there. */
  override *read(packet: Packet | null, span?: TimeRange): Generator<MediaEvent> {
    if (span && span.endSec < this.range.startSec - DECODER_PRE_ROLL_SEC) return;
    for (const event of super.read(packet, span)) {
      if (event.type !== 'damage' || this.range.endSec === this.#endSec || event.startSec < this.#endSec) yield event;
    }
  }

  protected override *take(frame: Frame): Generator<MediaEvent> {
    const { sampleRate } = frame;
    if (!(sampleRate > 0)) throw new Undecodable('sound without a rate');
    if (this.#position !== undefined) this.#position = Math.round(this.#position * (sampleRate / this.#sampleRate));
    this.#sampleRate = sampleRate;
    const stamp = frame.bestEffortTimestamp;
    const stamped =
      stamp === AV_NOPTS_VALUE ? undefined : Math.round((Number(stamp) * this.timeBase - this.startSec) * sampleRate);
    // Timestamps have jitter: adjacent pieces may have small gaps or overlaps, which `SoundBuffer` closes.
    const first = stamped ?? this.#position ?? 0;
    const last = first + frame.nbSamples;
    this.#position = last;
    this.timeSec = last / sampleRate;
    const from = Math.max(first, Math.round(this.range.startSec * sampleRate));
    const to = Math.min(last, Math.round(this.range.endSec * sampleRate));
    this.isPast(this.timeSec);
    if (to <= from) return;
    if (isPatched(frame)) yield* this.patched({ startSec: first / sampleRate, endSec: last / sampleRate });
    const samples = this.#mixer.mix(frame);
    const sides = this.#mixer.sides(frame);
    const edge = Math.max(from, Math.min(to, Math.round(this.#endSec * sampleRate)));
    const piece = (start: number, end: number) => ({
      startSec: start / sampleRate,
      sampleRate,
      samples: samples.subarray(start - first, end - first),
      ...(sides && { sides: sides.subarray(start - first, end - first) }),
    });
    if (edge > from) yield { type: 'sound', sound: piece(from, edge) };
    if (to > edge) yield { type: 'contextSound', sound: piece(edge, to) };
  }

  override [Symbol.dispose](): void {
    this.#mixer[Symbol.dispose]();
    super[Symbol.dispose]();
  }
}

/**
 * Decodes the context sound before a range. A separate pass that skips all other tracks, so that no picture is decoded for
 * it.
 */
export function* earlierSound(
  container: Container,
  range: TimeRange,
  listenStartSec: number,
  clock: Clock | undefined,
): Generator<MediaEvent> {
  using sounds = new SoundReader(container, { startSec: listenStartSec, endSec: range.startSec });
  readOnly(container, [sounds.stream]);
  seek(container, listenStartSec - PRE_ROLL_SEC, clock, sounds.stream);
  const times = new PacketTimes(container, sounds.stream);
  using packet = new Packet();
  packet.alloc();
  while (!sounds.done && container.context.readFrameSync(packet) >= 0) {
    clock?.apply(packet);
    // Damage here is reported with the chunk that it belongs to.
    for (const event of sounds.read(packet, times.next(packet))) {
      if (event.type === 'sound') yield { type: 'contextSound', sound: event.sound };
    }
    packet.unref();
  }
}
