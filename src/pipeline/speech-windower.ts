import type { TimeRange } from '../domain/time-range.ts';
import type { Cue, Sound } from '../media/frames.ts';
import { resample } from '../media/resample.ts';
import { loudness } from '../transcribe/loudness.ts';
import { cutSearchRange, cutSec, lastCutBefore } from '../transcribe/windows.ts';
import { SoundBuffer } from './sound-buffer.ts';

/** Speech recognition on windows of sound. */
export interface SpeechModel {
  /**
   * Transcribes one window. Windows come in order of time.
   * @param startSec seconds from the start of the file
   * @param samples mono, at the windower's sample rate
   */
  transcribe(startSec: number, samples: Float32Array): Promise<void>;
  /** All recognised words, in order. Call it after the last window. */
  words(): Promise<Cue[]>;
}

/** Tolerance for rounded timestamps when the sound ends just before a cut's search range does, in seconds. */
const JITTER_SEC = 0.05;

/**
 * Cuts the sound in and around a range into windows for a speech model. One window is transcribed while the sound of the
 * next is decoded. Memory holds one window's sound.
 */
export class SpeechWindower implements AsyncDisposable {
  readonly #range: TimeRange;
  readonly #model: SpeechModel & Disposable;
  readonly #sampleRate: number;
  readonly #sound = new SoundBuffer();
  /** End of the sound so far, in seconds. */
  #reachedSec = 0;
  /** Start of the open window, in seconds; undefined before the first cut. */
  #fromSec: number | undefined;
  /** Index of the next cut. */
  #cut: number;
  #transcribing: Promise<void> = Promise.resolve();

  /**
   * @param range of the file whose words are wanted, in seconds
   * @param model owned by the windower, which disposes of it
   * @param sampleRate of the windows, in hertz
   */
  constructor({ range, model, sampleRate }: { range: TimeRange; model: SpeechModel & Disposable; sampleRate: number }) {
    this.#range = range;
    this.#model = model;
    this.#sampleRate = sampleRate;
    this.#cut = lastCutBefore(range.startSec);
    if (this.#cut === 0) this.#passCut(0);
  }

  /** Adds sound, in order of time, from `soundRangeFor(range)`. */
  async push(sound: Sound): Promise<void> {
    this.#sound.push(sound);
    this.#reachedSec = sound.startSec + sound.samples.length / sound.sampleRate;
    while (!this.#isDone && this.#reachedSec >= cutSearchRange(this.#cut).endSec) await this.#cutWindow();
  }

  /** Transcribes the last window. @returns the words of all windows that overlap the range, in order */
  async words(): Promise<Cue[]> {
    if (!this.#isDone && this.#reachedSec + JITTER_SEC >= cutSearchRange(this.#cut).endSec) await this.#cutWindow();
    if (!this.#isDone && this.#fromSec !== undefined) await this.#transcribe(this.#fromSec, this.#reachedSec);
    await this.#transcribing;
    return this.#model.words();
  }

  get #isDone(): boolean {
    return this.#fromSec !== undefined && this.#fromSec >= this.#range.endSec;
  }

  async #cutWindow(): Promise<void> {
    const { sampleRate } = this.#sound;
    const timeSec = cutSec(this.#cut, loudness(this.#sound.read(cutSearchRange(this.#cut)), sampleRate));
    const fromSec = this.#fromSec;
    this.#passCut(timeSec);
    if (fromSec !== undefined && timeSec > this.#range.startSec) await this.#transcribe(fromSec, timeSec);
    this.#sound.drop(timeSec);
  }

  #passCut(timeSec: number): void {
    this.#fromSec = timeSec;
    this.#cut++;
  }

  async #transcribe(startSec: number, endSec: number): Promise<void> {
    if (this.#sound.sampleRate === 0 || endSec <= startSec) return;
    const sound = this.#sound.read({ startSec, endSec });
    const samples = resample(sound, this.#sound.sampleRate, { sampleRate: this.#sampleRate });
    await this.#transcribing;
    this.#transcribing = this.#model.transcribe(startSec, samples);
    this.#transcribing.catch(() => {}); // rejects at the next await of it
  }

  /** Waits for the transcription in progress: a model must not be freed while it works. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transcribing.catch(() => {});
    this.#model[Symbol.dispose]();
  }
}
