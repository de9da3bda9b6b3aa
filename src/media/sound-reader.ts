import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Frame } from 'node-av/lib';
import type { Container } from './container.ts';
import { Undecodable } from './damage.ts';
import type { MediaEvent } from './events.ts';
import type { TimeRange } from './frames.ts';
import { MonoMixer } from './resample.ts';
import { TrackReader } from './track-reader.ts';

/** Sound of the range, mixed to mono at its own rate. */
export class SoundReader extends TrackReader {
  readonly #mixer = new MonoMixer();
  /** Where a sample without a timestamp belongs, in samples from the start of the file. */
  #position: number | undefined;
  /** Of the samples so far; a track may change it on the way. Hertz. */
  #sampleRate = 0;
  coveredSec = 0;

  constructor(container: Container, range: TimeRange) {
    super(container, container.audio!, range, {});
  }

  protected override *take(frame: Frame): Generator<MediaEvent> {
    const { sampleRate } = frame;
    if (!(sampleRate > 0)) throw new Undecodable('sound without a rate');
    if (this.#position !== undefined) this.#position = Math.round(this.#position * (sampleRate / this.#sampleRate));
    this.#sampleRate = sampleRate;
    const stamp = frame.bestEffortTimestamp;
    const stamped =
      stamp === AV_NOPTS_VALUE ? undefined : Math.round((Number(stamp) * this.timeBase - this.startSec) * sampleRate);
    // Timestamps tremble, so what follows each other may gape or overlap a little: whoever joins it closes that.
    const first = stamped ?? this.#position ?? 0;
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
