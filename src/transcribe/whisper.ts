import type { Cue } from '../media/frames.ts';
import { WHISPER_RATE, WHISPER_WINDOW_SAMPLES, WhisperFilter, type WhisperOptions } from '../media/whisper-filter.ts';
import { AudibleSound } from './audible-sound.ts';
import { loudness, quietestSec } from './loudness.ts';
import { hasLoop } from './repetition.ts';
import { wordsOf } from './whisper-lines.ts';

/** Part of a window in which it is cut into halves: from here to as far from its end. */
const HALF_SEARCH_START = 0.4;

/**
 * Speech recognition with a Whisper model. The model is loaded for the first audible window and reused for the following
 * ones. Silence is cut out of the windows, and words beyond the end of a window's sound are dropped. A window whose text
 * repeats itself is transcribed again in halves.
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
    await this.#readWords(this.#filter);
    this.#queued = { sound, startSec };
  }

  /** Finishes the transcription. @returns all words, in order */
  async words(): Promise<Cue[]> {
    await this.#close();
    return this.#words;
  }

  /** Adds the words of the queued window, which has been transcribed. */
  async #readWords(filter: WhisperFilter): Promise<void> {
    if (!this.#queued) return;
    const { sound, startSec } = this.#queued;
    const output = filter.output();
    const words = fileWords(sound, output.slice(this.#outputRead), startSec);
    this.#outputRead = output.length;
    this.#words.push(...(hasLoop(words) ? await this.#transcribeHalves(sound) : words));
  }

  /** Words of a window that is cut at a pause near its middle. Whisper does not lose track in both halves again. */
  async #transcribeHalves(sound: AudibleSound): Promise<Cue[]> {
    const { samples } = sound;
    const from = Math.floor(samples.length * HALF_SEARCH_START);
    const levels = loudness(samples.subarray(from, samples.length - from), WHISPER_RATE);
    const cut = from + Math.round(quietestSec(levels) * WHISPER_RATE);
    const words: Cue[] = [];
    for (const [start, end] of [
      [0, cut],
      [cut, samples.length],
    ] as const) {
      using filter = await WhisperFilter.open(this.#options);
      await filter.transcribe(0, samples.slice(start, end));
      await filter.finish();
      words.push(...fileWords(sound, filter.output(), -start / WHISPER_RATE));
    }
    return words;
  }

  /** Closes the filter, which would otherwise join short windows as if nothing lay between them. */
  async #close(): Promise<void> {
    if (!this.#filter) return;
    await this.#filter.finish();
    await this.#readWords(this.#filter);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#filter?.[Symbol.dispose]();
    this.#filter = undefined;
    this.#queued = undefined;
    this.#outputRead = 0;
  }
}

/**
 * Words with their times in the file.
 * @param output lines of the filter
 * @param startSec time that the filter has for the start of the sound
 */
function fileWords(sound: AudibleSound, output: string, startSec: number): Cue[] {
  return wordsOf(output).flatMap(({ startSec: start, endSec: end, text }) => {
    const range = sound.fileRange({ startSec: start - startSec, endSec: end - startSec });
    return range ? [{ ...range, text }] : [];
  });
}
