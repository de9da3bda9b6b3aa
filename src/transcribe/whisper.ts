import type { Cue } from '../media/frames.ts';
import { WHISPER_RATE, WHISPER_WINDOW_SAMPLES, WhisperFilter, type WhisperOptions } from '../media/whisper-filter.ts';
import { AudibleSound } from './audible-sound.ts';
import { wordsOf } from './whisper-lines.ts';

/**
 * Speech recognition with a Whisper model. The model is loaded for the first audible window and reused for the following
 * ones. Silence is cut out of the windows, and words beyond the end of a window's sound are dropped.
 */
export class Whisper implements Disposable {
  readonly #options: WhisperOptions;
  readonly #words: Cue[] = [];
  #filter: WhisperFilter | undefined;
  /** The window in the filter's queue. */
  #queued: { readonly sound: AudibleSound; readonly startSec: number } | undefined;
  /** Length of the filter's output of earlier windows, in UTF-16 code units. */
  #outputRead = 0;

  constructor(options: WhisperOptions) {
    this.#options = options;
  }

  /**
   * Transcribes one window. Windows come in order of time.
   * @param startSec seconds from the start of the file
   * @param samples at `WHISPER_RATE`
   */
  async transcribe(startSec: number, samples: Float32Array): Promise<void> {
    // The filter would transcribe a full queue at once, and its words would be mixed with those of the window before.
    const sound = AudibleSound.of(startSec, samples.subarray(0, WHISPER_WINDOW_SAMPLES - 1), WHISPER_RATE);
    if (!sound) return;
    if (this.#filter && !this.#filter.startsNewWindow(sound.samples.length)) await this.#close();
    this.#filter ??= await WhisperFilter.open(this.#options);
    await this.#filter.transcribe(startSec, sound.samples);
    this.#readWords(this.#filter);
    this.#queued = { sound, startSec };
  }

  /** Finishes the transcription. @returns all words, in order */
  async words(): Promise<Cue[]> {
    await this.#close();
    return this.#words;
  }

  /** Adds the words of the queued window, which has been transcribed. */
  #readWords(filter: WhisperFilter): void {
    if (!this.#queued) return;
    const { sound, startSec } = this.#queued;
    const output = filter.output();
    for (const word of wordsOf(output.slice(this.#outputRead))) {
      const range = sound.fileRange({ startSec: word.startSec - startSec, endSec: word.endSec - startSec });
      if (range) this.#words.push({ ...range, text: word.text });
    }
    this.#outputRead = output.length;
  }

  /** Closes the filter, which would otherwise join short windows as if nothing lay between them. */
  async #close(): Promise<void> {
    if (!this.#filter) return;
    await this.#filter.finish();
    this.#readWords(this.#filter);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#filter?.[Symbol.dispose]();
    this.#filter = undefined;
    this.#queued = undefined;
    this.#outputRead = 0;
  }
}
