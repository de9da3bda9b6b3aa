import type { TimeRange } from '../domain/time-range.ts';
import { isAudible, LOUDNESS_STEP_SEC, loudness } from './loudness.ts';

/** Silence kept before and after audible sound, in seconds. Shorter pauses than twice this stay as they are. */
const SILENCE_MARGIN_SEC = 0.5;
/** Minimum audible sound in a window for it to be transcribed, in seconds. */
const MIN_SPEECH_SEC = 0.1;

/** A stretch of sound that is kept. */
interface Stretch {
  /** Index of its first sample in the window, and of the first sample after it. */
  readonly from: number;
  readonly to: number;
}

/**
 * A window of sound without its long silences, in which Whisper invents words and loses count of the time: words after a
 * silence of four seconds were dated four seconds early.
 */
export class AudibleSound {
  /** All stretches, joined. */
  readonly samples: Float32Array;
  readonly #startSec: number;
  readonly #sampleRate: number;
  readonly #stretches: readonly Stretch[];

  private constructor(startSec: number, window: Float32Array, sampleRate: number, stretches: readonly Stretch[]) {
    this.#startSec = startSec;
    this.#sampleRate = sampleRate;
    this.#stretches = stretches;
    this.samples = new Float32Array(stretches.reduce((sum, { from, to }) => sum + to - from, 0));
    let at = 0;
    for (const { from, to } of stretches) {
      this.samples.set(window.subarray(from, to), at);
      at += to - from;
    }
  }

  /**
   * Cuts the long silences out of a window.
   * @param startSec of the window, in seconds from the start of the file
   * @returns undefined for a window without sound
   */
  static of(startSec: number, window: Float32Array, sampleRate: number): AudibleSound | undefined {
    const levels = loudness(window, sampleRate);
    const audible = [...levels.keys()].filter((i) => isAudible(levels[i]!));
    if (audible.length * LOUDNESS_STEP_SEC < MIN_SPEECH_SEC) return undefined;
    const step = LOUDNESS_STEP_SEC * sampleRate;
    const margin = SILENCE_MARGIN_SEC * sampleRate;
    const stretches: Stretch[] = [];
    for (const i of audible) {
      const from = Math.max(0, Math.round(i * step - margin));
      const to = Math.min(window.length, Math.round((i + 1) * step + margin));
      const last = stretches.at(-1);
      if (last && from <= last.to) stretches[stretches.length - 1] = { from: last.from, to };
      else stretches.push({ from, to });
    }
    return new AudibleSound(startSec, window, sampleRate, stretches);
  }

  /**
   * Time in the file of a range of `samples`, in seconds. A range across a removed silence is cut to the stretch of its
   * middle.
   * @returns undefined for a range beyond the end of the sound
   */
  fileRange({ startSec, endSec }: TimeRange): TimeRange | undefined {
    const middle = ((startSec + endSec) / 2) * this.#sampleRate;
    let at = 0;
    for (const { from, to } of this.#stretches) {
      const length = to - from;
      if (middle < at + length) {
        const fileSec = (sec: number) => {
          const sample = Math.min(Math.max(sec * this.#sampleRate - at, 0), length);
          return this.#startSec + (from + sample) / this.#sampleRate;
        };
        return { startSec: fileSec(startSec), endSec: fileSec(endSec) };
      }
      at += length;
    }
    return undefined;
  }
}
