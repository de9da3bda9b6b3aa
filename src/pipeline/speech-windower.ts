import type { Cue, Sound, TimeRange } from '../media/frames.ts';
import { resample } from '../media/resample.ts';
import { loudness } from '../transcribe/loudness.ts';
import { cutSearchRange, cutSec, lastCutBefore } from '../transcribe/windows.ts';
import { SoundBuffer } from './sound-buffer.ts';

/** What hears words in windows of sound. */
export interface SpeechModel {
  /** @param samples mono, at the windower's rate; windows come in order */
  transcribe(startSec: number, samples: Float32Array): Promise<void>;
  /** Every word heard, in order. */
  words(): Promise<Cue[]>;
}

/** Rounding of timestamps, in seconds. */
const JITTER_SEC = 0.05;

/**
 * Cuts the sound in and around a range into windows and has them heard, one while the sound of the next is still being
 * decoded. Holds one window's sound.
 */
export class SpeechWindower implements AsyncDisposable {
  readonly #range: TimeRange;
  readonly #model: SpeechModel & Disposable;
  readonly #sampleRate: number;
  readonly #sound = new SoundBuffer();
  /** How far sound has come. */
  #reachedSec = 0;
  /** Where the open window begins; not known yet before the first cut. */
  #fromSec: number | undefined;
  /** The next cut. */
  #cut: number;
  #transcribing: Promise<void> = Promise.resolve();

  /** @param sampleRate of the windows, in hertz */
  constructor({ range, model, sampleRate }: { range: TimeRange; model: SpeechModel & Disposable; sampleRate: number }) {
    this.#range = range;
    this.#model = model;
    this.#sampleRate = sampleRate;
    this.#cut = lastCutBefore(range.startSec);
    if (this.#cut === 0) this.#passCut(0);
  }

  /** Takes in sound in order of time, of the range's `soundRangeFor`. */
  async push(sound: Sound): Promise<void> {
    this.#sound.push(sound);
    this.#reachedSec = sound.startSec + sound.samples.length / sound.sampleRate;
    while (!this.#isDone && this.#reachedSec >= cutSearchRange(this.#cut).endSec) await this.#cutWindow();
  }

  /** @returns every word heard in the windows that reach into the range, in order; all sound has come */
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
    this.#transcribing.catch(() => {}); // whoever waits next gets the error
  }

  /** A model must not be let go of while it works. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transcribing.catch(() => {});
    this.#model[Symbol.dispose]();
  }
}
