import type { Sound, TimeRange } from '../media/frames.ts';
import { resample } from '../media/resample.ts';

/** Timestamps of pieces that follow each other may be off by this: rounding, and what codecs make of them. Seconds. */
const TREMBLE_SEC = 0.05;

/** Sound that was decoded and not yet used, as mono samples at one rate, addressed by time. */
export class SoundBuffer {
  /** In samples: where each belongs, and where it lies. */
  #pieces: { readonly start: number; readonly length: number; at: number }[] = [];
  /** The samples of all pieces, one piece after the other, as many as are used. */
  #samples = new Float32Array();
  #used = 0;
  #sampleRate = 0;
  /** Used again for each stretch: stretches are of megabytes, and their memory would be mapped and unmapped every time. */
  #stretch = new Float32Array();

  /** Hertz; 0 before the first sound. */
  get sampleRate(): number {
    return this.#sampleRate;
  }

  /** Copies a sound, which may be gone with the next one. */
  push(sound: Sound): void {
    this.#sampleRate ||= sound.sampleRate;
    const isSame = sound.sampleRate === this.#sampleRate;
    // a track may change its rate on the way
    const samples = isSame
      ? sound.samples
      : resample(sound.samples, sound.sampleRate, { sampleRate: this.#sampleRate });
    const { length } = samples;
    if (this.#used + length > this.#samples.length) this.#grow(this.#used + length);
    this.#samples.set(samples, this.#used);
    this.#pieces.push({ start: Math.round(sound.startSec * this.#sampleRate), length, at: this.#used });
    this.#used += length;
  }

  /**
   * A stretch as a whole; gaps are silence. Its first piece lies where its timestamp says, and the others follow each
   * other without a seam, unless there is a real gap. So the stretch depends on its own pieces alone, and not on where
   * decoding began.
   * @returns samples from `startSec` up to `endSec`, or up to the end of the sound when that comes first; until the next
   * call, which writes into the same memory
   */
  read({ startSec, endSec }: TimeRange): Float32Array {
    const from = Math.round(startSec * this.#sampleRate);
    const to = Math.round(endSec * this.#sampleRate);
    const out = this.#room(to - from).fill(0);
    const tremble = TREMBLE_SEC * this.#sampleRate;
    let end = from;
    for (const { start, length, at } of this.#pieces) {
      if (start >= to || start + length <= from) continue;
      const follows = end > from && Math.abs(start - end) <= tremble;
      const first = follows ? end : start;
      const piece = this.#samples.subarray(
        at + Math.max(0, from - first),
        at + Math.min(length, Math.max(0, to - first)),
      );
      out.set(piece, Math.max(first, from) - from);
      end = Math.max(first, from) + piece.length;
    }
    const isHole = to - end > tremble && this.#pieces.some(({ start }) => start >= to);
    return isHole ? out : out.subarray(0, end - from);
  }

  #room(length: number): Float32Array {
    if (length > this.#stretch.length) this.#stretch = new Float32Array(length);
    return this.#stretch.subarray(0, length);
  }

  /** Forgets what lies before a time. */
  drop(beforeSec: number): void {
    const before = Math.round(beforeSec * this.#sampleRate);
    this.#pieces = this.#pieces.filter(({ start, length }) => start + length > before);
    this.#used = 0;
    for (const piece of this.#pieces) {
      this.#samples.copyWithin(this.#used, piece.at, piece.at + piece.length);
      piece.at = this.#used;
      this.#used += piece.length;
    }
  }

  #grow(least: number): void {
    const samples = new Float32Array(Math.max(least, 2 * this.#samples.length));
    samples.set(this.#samples.subarray(0, this.#used));
    this.#samples = samples;
  }
}
