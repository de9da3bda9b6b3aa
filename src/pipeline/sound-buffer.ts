import type { Sound, TimeRange } from '../media/frames.ts';
import { resample } from '../media/resample.ts';

/** Sound that was decoded and not yet used, as mono samples at one rate, addressed by time. */
export class SoundBuffer {
  #pieces: { readonly start: number; readonly samples: Float32Array }[] = [];
  #sampleRate = 0;

  /** Hertz; 0 before the first sound. */
  get sampleRate(): number {
    return this.#sampleRate;
  }

  push(sound: Sound): void {
    this.#sampleRate ||= sound.sampleRate;
    // a track may change its rate on the way
    const samples = resample(sound.samples, sound.sampleRate, this.#sampleRate);
    this.#pieces.push({ start: Math.round(sound.startSec * this.#sampleRate), samples });
  }

  /**
   * Copies a stretch out; gaps are silence.
   * @returns samples from `startSec` up to `endSec`, or up to the end of the sound when that comes first
   */
  copy({ startSec, endSec }: TimeRange): Float32Array {
    const from = Math.round(startSec * this.#sampleRate);
    const wanted = Math.round(endSec * this.#sampleRate);
    const last = this.#pieces.reduce((end, { start, samples }) => Math.max(end, start + samples.length), from);
    const to = Math.min(wanted, last);
    const out = new Float32Array(Math.max(0, to - from));
    for (const { start, samples } of this.#pieces) {
      const first = Math.max(from, start);
      const end = Math.min(to, start + samples.length);
      if (end > first) out.set(samples.subarray(first - start, end - start), first - from);
    }
    return out;
  }

  /** Forgets what lies before a time. */
  drop(beforeSec: number): void {
    const before = Math.round(beforeSec * this.#sampleRate);
    this.#pieces = this.#pieces.filter(({ start, samples }) => start + samples.length > before);
  }
}
