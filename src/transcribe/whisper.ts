import type { Cue } from '../media/frames.ts';
import { WHISPER_RATE, WhisperFilter, type WhisperOptions } from '../media/whisper-filter.ts';
import { isAudible, LOUDNESS_STEP_SEC, loudness } from './loudness.ts';
import { wordsOf } from './whisper-lines.ts';

/** Silence kept before the first and after the last audible step of a window, in seconds. */
const SILENCE_MARGIN_SEC = 0.5;
/** Minimum audible sound in a window for it to be transcribed, in seconds. */
const MIN_SPEECH_SEC = 0.1;

/**
 * Speech recognition with a Whisper model. The model is loaded for the first audible window and reused for the following
 * ones. Words in silence, which Whisper hallucinates, are dropped.
 */
export class Whisper implements Disposable {
  readonly #options: WhisperOptions;
  /** Audible steps, as indexes of `LOUDNESS_STEP_SEC` from the start of the file. */
  readonly #audible = new Set<number>();
  readonly #outputs: string[] = [];
  #filter: WhisperFilter | undefined;

  constructor(options: WhisperOptions) {
    this.#options = options;
  }

  /**
   * Transcribes one window, trimmed to its audible part. Windows come in order of time.
   * @param startSec seconds from the start of the file
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

  /** Finishes the transcription. @returns all audible words, in order */
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

  /** Closes the filter, which would otherwise join short windows as if nothing lay between them. */
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
