import type { TimeRange } from '../domain/time-range.ts';
import { restoreCancelled } from '../media/downmix.ts';
import type { Sound } from '../media/frames.ts';
import { resample } from '../media/resample.ts';

/** Maximum error of the timestamps of adjacent pieces, in seconds: rounding, and codec delays. Smaller gaps are closed. */
const JITTER_SEC = 0.05;

/** Buffer of decoded mono sound at one sample rate, addressed by time. */
export class SoundBuffer {
  /** Buffered pieces, in samples: `start` from the start of the file, `at` in `#samples`. */
  #pieces: { readonly start: number; readonly length: number; at: number }[] = [];
  /** Samples of all pieces, back to back; the first `#used` are valid. */
  #samples = new Float32Array();
  /** Channel differences, laid out like `#samples`; zeros for mono pieces. Empty before the first stereo piece. */
  #sides = new Float32Array();
  #used = 0;
  #sampleRate = 0;
  /** Output of `read`, reused: it takes megabytes, which would otherwise be mapped and unmapped on every call. */
  #window = new Float32Array();
  #sideWindow = new Float32Array();

  /** Sample rate in hertz; 0 before the first sound. */
  get sampleRate(): number {
    return this.#sampleRate;
  }

  /** Appends a copy of a sound: the decoder reuses its memory for the next one. */
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
   * Reads a time range as contiguous samples; gaps are silence. The first piece is placed by its timestamp. Each other
   * one is joined to its predecessor without a seam unless they are more than `JITTER_SEC` apart. So the samples depend
   * on the pieces in the range alone, and not on where decoding began.
   * @returns samples from `startSec` to `endSec`, or to the end of the sound if that is earlier. Valid until the next
   * call, which reuses the memory.
   */
  read({ startSec, endSec }: TimeRange): Float32Array {
    const from = Math.round(startSec * this.#sampleRate);
    const to = Math.round(endSec * this.#sampleRate);
    const isStereo = this.#sides.length > 0;
    this.#window = ensureLength(this.#window, to - from);
    if (isStereo) this.#sideWindow = ensureLength(this.#sideWindow, to - from);
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
    const isGapInside = to - end > jitter && this.#pieces.some(({ start }) => start >= to);
    return isGapInside ? out : out.subarray(0, end - from);
  }

  #pushSides({ sides, sampleRate }: Sound, length: number): void {
    if (this.#used + length > this.#sides.length) this.#sides = grown(this.#sides, this.#used, length);
    const target = this.#sides.subarray(this.#used, this.#used + length);
    if (sides) target.set(this.#atRate(sides, sampleRate));
    else target.fill(0);
  }

  /** Resamples sound after the track has changed its sample rate. */
  #atRate(samples: Float32Array, sampleRate: number): Float32Array {
    return sampleRate === this.#sampleRate ? samples : resample(samples, sampleRate, { sampleRate: this.#sampleRate });
  }

  /** Discards the pieces that end before a time. */
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

/** Copies the first `used` values into a larger array, with room for `more` values. */
function grown(values: Float32Array, used: number, more: number): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(Math.max(used + more, 2 * values.length));
  larger.set(values.subarray(0, used));
  return larger;
}

/** An array with at least `length` values: the given one if it suffices. */
function ensureLength(values: Float32Array<ArrayBuffer>, length: number): Float32Array<ArrayBuffer> {
  return length > values.length ? new Float32Array(length) : values;
}
