import { restoreCancelled } from '../media/downmix.ts';
import type { Sound, TimeRange } from '../media/frames.ts';
import { resample } from '../media/resample.ts';

/** Timestamps of pieces that follow each other may be off by this: rounding, and what codecs make of them. Seconds. */
const JITTER_SEC = 0.05;

/** Sound that was decoded and not yet used, as mono samples at one rate, addressed by time. */
export class SoundBuffer {
  /** In samples: where each belongs, and where it lies. */
  #pieces: { readonly start: number; readonly length: number; at: number }[] = [];
  /** The samples of all pieces, one piece after the other, as many as are used. */
  #samples = new Float32Array();
  /** Likewise, the difference of the channels; zeros where a piece has none. Empty before the first stereo piece. */
  #sides = new Float32Array();
  #used = 0;
  #sampleRate = 0;
  /** Used again for each stretch: stretches are of megabytes, and their memory would be mapped and unmapped every time. */
  #window = new Float32Array();
  #sideWindow = new Float32Array();

  /** Hertz; 0 before the first sound. */
  get sampleRate(): number {
    return this.#sampleRate;
  }

  /** Copies a sound, which may be gone with the next one. */
  push(sound: Sound): void {
    this.#sampleRate ||= sound.sampleRate;
    const samples = this.#atRate(sound.samples, sound.sampleRate);
    const { length } = samples;
    if (this.#used + length > this.#samples.length) this.#samples = grown(this.#samples, this.#used, length);
    this.#samples.set(samples, this.#used);
    if (sound.sides || this.#sides.length > 0) this.#pushSides(sound, length);
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
    const isStereo = this.#sides.length > 0;
    this.#window = room(this.#window, to - from);
    if (isStereo) this.#sideWindow = room(this.#sideWindow, to - from);
    const out = this.#window.subarray(0, to - from).fill(0);
    const sides = this.#sideWindow.subarray(0, isStereo ? to - from : 0).fill(0);
    const jitter = JITTER_SEC * this.#sampleRate;
    let end = from;
    for (const { start, length, at } of this.#pieces) {
      if (start >= to || start + length <= from) continue;
      const follows = end > from && Math.abs(start - end) <= jitter;
      const first = follows ? end : start;
      const place = [at + Math.max(0, from - first), at + Math.min(length, Math.max(0, to - first))] as const;
      const piece = this.#samples.subarray(...place);
      out.set(piece, Math.max(first, from) - from);
      if (isStereo) sides.set(this.#sides.subarray(...place), Math.max(first, from) - from);
      end = Math.max(first, from) + piece.length;
    }
    if (isStereo) restoreCancelled(out.subarray(0, end - from), sides.subarray(0, end - from), this.#sampleRate);
    const isHole = to - end > jitter && this.#pieces.some(({ start }) => start >= to);
    return isHole ? out : out.subarray(0, end - from);
  }

  #pushSides({ sides, sampleRate }: Sound, length: number): void {
    if (this.#used + length > this.#sides.length) this.#sides = grown(this.#sides, this.#used, length);
    const stretch = this.#sides.subarray(this.#used, this.#used + length);
    if (sides) stretch.set(this.#atRate(sides, sampleRate));
    else stretch.fill(0);
  }

  /** A track may change its rate on the way. */
  #atRate(samples: Float32Array, sampleRate: number): Float32Array {
    return sampleRate === this.#sampleRate ? samples : resample(samples, sampleRate, { sampleRate: this.#sampleRate });
  }

  /** Forgets what lies before a time. */
  drop(beforeSec: number): void {
    const before = Math.round(beforeSec * this.#sampleRate);
    this.#pieces = this.#pieces.filter(({ start, length }) => start + length > before);
    this.#used = 0;
    for (const piece of this.#pieces) {
      this.#samples.copyWithin(this.#used, piece.at, piece.at + piece.length);
      this.#sides.copyWithin(this.#used, piece.at, piece.at + piece.length);
      piece.at = this.#used;
      this.#used += piece.length;
    }
  }
}

/** More room for what follows `used` values. */
function grown(values: Float32Array, used: number, more: number): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(Math.max(used + more, 2 * values.length));
  larger.set(values.subarray(0, used));
  return larger;
}

function room(values: Float32Array<ArrayBuffer>, length: number): Float32Array<ArrayBuffer> {
  return length > values.length ? new Float32Array(length) : values;
}
