import type { Cue } from '../media/frames.ts';
import { WHISPER_RATE, WhisperFilter, type WhisperOptions } from '../media/whisper-filter.ts';
import { isAudible, LOUDNESS_STEP_SEC, loudness } from './loudness.ts';
import { wordsOf } from './whisper-lines.ts';

/** Silence that is left before the first sound of a window and behind the last, in seconds. */
const SILENCE_MARGIN_SEC = 0.5;
/** With less sound than this nobody says anything. Seconds. */
const MIN_SPEECH_SEC = 0.1;

/**
 * What is said in windows of sound, by a Whisper model. The model is loaded with the first window that has any sound
 * in it, and stays for the windows that follow. In silence, where Whisper makes up words, nothing is said.
 */
export class Whisper implements Disposable {
  readonly #options: WhisperOptions;
  /** When something was audible, in steps of `LOUDNESS_STEP_SEC` from the start of the file. */
  readonly #audible = new Set<number>();
  readonly #outputs: string[] = [];
  #filter: WhisperFilter | undefined;

  constructor(options: WhisperOptions) {
    this.#options = options;
  }

  /**
   * @param startSec of the window; windows come in order
   * @param samples at `WHISPER_RATE`
   */
  async transcribe(startSec: number, samples: Float32Array): Promise<void> {
    const levels = loudness(samples, WHISPER_RATE);
    const audible = [...levels.keys()].filter((i) => isAudible(levels[i]!));
    if (audible.length * LOUDNESS_STEP_SEC < MIN_SPEECH_SEC) return;
    for (const i of audible) this.#audible.add(Math.floor(startSec / LOUDNESS_STEP_SEC) + i);
    const margin = SILENCE_MARGIN_SEC * WHISPER_RATE;
    const step = LOUDNESS_STEP_SEC * WHISPER_RATE;
    const from = Math.max(0, audible[0]! * step - margin);
    const to = Math.min(samples.length, (audible.at(-1)! + 1) * step + margin);
    if (this.#filter && !this.#filter.startsNewWindow(to - from)) await this.#close();
    this.#filter ??= await WhisperFilter.open(this.#options);
    await this.#filter.transcribe(startSec + from / WHISPER_RATE, samples.slice(from, to));
  }

  /** @returns every word that was heard, in order */
  async words(): Promise<Cue[]> {
    await this.#close();
    return this.#outputs.flatMap(wordsOf).filter((word) => this.#isAudible(word));
  }

  #isAudible({ startSec, endSec }: Cue): boolean {
    const last = Math.max(startSec, endSec) / LOUDNESS_STEP_SEC;
    for (let step = Math.floor(startSec / LOUDNESS_STEP_SEC); step <= last; step++)
      if (this.#audible.has(step)) return true;
    return false;
  }

  /** The filter would take short windows together, as if there were nothing between them: it is closed instead. */
  async #close(): Promise<void> {
    if (!this.#filter) return;
    await this.#filter.finish();
    this.#outputs.push(this.#filter.output());
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#filter?.[Symbol.dispose]();
    this.#filter = undefined;
  }
}
