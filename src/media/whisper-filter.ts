import { fstatSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_LOG_DEBUG,
  AV_LOG_QUIET,
  AV_SAMPLE_FMT_FLT,
  AVERROR_EAGAIN,
  AVERROR_EOF,
} from 'node-av/constants';
import { Filter, type FilterContext, FilterGraph, Frame, Log } from 'node-av/lib';
import { UnlinkedFile } from './unlinked-file.ts';

/** What Whisper hears: mono at this rate, in hertz. */
export const WHISPER_RATE = 16_000;
/** The most that it hears at once, in seconds: what it was trained on. */
export const WHISPER_WINDOW_SEC = 30;
const WINDOW_SAMPLES = WHISPER_WINDOW_SEC * WHISPER_RATE;

export interface WhisperOptions {
  /** Path of a ggml file of whisper.cpp. */
  readonly model: string;
  /** ISO 639-1, or `auto` to have it detected in every window. */
  readonly language: string;
  /** `try` takes the CPU where there is no GPU; `must` refuses that. */
  readonly gpu: 'never' | 'try' | 'must';
  readonly threads: number;
}

/** What whisper.cpp logs when it was to use a GPU and found none; it tells nobody else. */
const NO_GPU = /no GPU found/;

/**
 * FFmpeg's `whisper` filter with a model in it, from its loading to its end. The filter collects what it is given and
 * transcribes it when the next piece would not fit into its queue, or at the end of the stream, behind which it hears
 * nothing more.
 */
export class WhisperFilter implements Disposable {
  readonly #graph = new FilterGraph();
  readonly #output = new UnlinkedFile('whisper');
  readonly #source: FilterContext;
  readonly #sink: FilterContext;
  readonly #frame = new Frame();
  /** Samples that are not transcribed yet. */
  #held = 0;

  /**
   * Loads a model; the thread stands still meanwhile.
   * @throws {Error} when it cannot be loaded, or not where it must
   */
  static async open(options: WhisperOptions): Promise<WhisperFilter> {
    if (options.gpu !== 'must') return new WhisperFilter(options);
    let isOnCpu = false;
    Log.setCallback((_, line) => (isOnCpu ||= NO_GPU.test(line)), { maxLevel: AV_LOG_DEBUG });
    try {
      const filter = new WhisperFilter(options);
      await nextTurn();
      await nextTurn(); // what was logged arrives in a turn of its own
      if (!isOnCpu) return filter;
      filter[Symbol.dispose]();
      throw new Error('Whisper found no GPU that it can use. Set REELVEC_DEVICE to auto or cpu.');
    } finally {
      Log.resetCallback();
      Log.setLevel(AV_LOG_QUIET);
      await nextTurn(); // a process that ended before the callback is gone would be aborted (node-av 6.1.1)
    }
  }

  private constructor({ model, language, gpu, threads }: WhisperOptions) {
    this.#frame.alloc();
    this.#graph.alloc();
    try {
      this.#graph.nbThreads = threads;
      const format = `sample_rate=${WHISPER_RATE}:sample_fmt=flt:channel_layout=mono:time_base=1/${WHISPER_RATE}`;
      this.#source = required(this.#graph.createFilter(filter('abuffer'), 'in', format), 'abuffer');
      const whisper = required(this.#graph.allocFilter(filter('whisper'), 'whisper'), 'whisper');
      const options = {
        model,
        language,
        use_gpu: gpu === 'never' ? '0' : '1',
        queue: String(WHISPER_WINDOW_SEC),
        // One line a word, with its times; the frames' metadata have neither.
        max_len: '1',
        format: 'json',
        destination: `pipe:${this.#output.descriptor}`,
      };
      for (const [name, value] of Object.entries(options)) check(whisper.setOption(name, value), `option ${name}`);
      check(whisper.init(), `model ${model} could not be loaded`);
      this.#sink = required(this.#graph.createFilter(filter('abuffersink'), 'out'), 'abuffersink');
      check(this.#source.link(0, whisper, 0), 'link');
      check(whisper.link(0, this.#sink, 0), 'link');
      check(this.#graph.configSync(), 'configuration');
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Whether a piece would be transcribed by itself, apart from what is held. */
  startsNewWindow(samples: number): boolean {
    return this.#held === 0 || this.#held + samples > WINDOW_SAMPLES;
  }

  /**
   * Takes a piece in and transcribes the one before; takes as long as that needs, on a thread of its own.
   * @param startSec of the first sample
   * @param samples at `WHISPER_RATE`, a window at the most
   */
  async transcribe(startSec: number, samples: Float32Array): Promise<void> {
    // More than its queue holds, the filter would write behind its end.
    const piece = samples.subarray(0, WINDOW_SAMPLES);
    const frame = Frame.fromAudioBuffer(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength), {
      nbSamples: piece.length,
      format: AV_SAMPLE_FMT_FLT,
      sampleRate: WHISPER_RATE,
      channelLayout: AV_CHANNEL_LAYOUT_MONO,
      timeBase: { num: 1, den: WHISPER_RATE },
      pts: BigInt(Math.round(startSec * WHISPER_RATE)),
    });
    try {
      check(await this.#source.buffersrcAddFrame(frame), 'sound');
    } finally {
      frame.free();
    }
    await this.#drain();
    this.#held = this.#held + piece.length > WINDOW_SAMPLES ? piece.length : this.#held + piece.length;
    if (this.#held === WINDOW_SAMPLES) this.#held = 0;
  }

  /** Transcribes what is still held. Nothing can be heard after that. */
  async finish(): Promise<void> {
    check(await this.#source.buffersrcAddFrame(null), 'end');
    await this.#drain();
    this.#held = 0;
  }

  /** The lines written so far, as the filter writes them: `{"start":1200,"end":1450,"text":"word"}`, milliseconds. */
  output(): string {
    const bytes = Buffer.alloc(fstatSync(this.#output.descriptor).size);
    const length = readSync(this.#output.descriptor, bytes, 0, bytes.length, 0);
    return bytes.toString('utf8', 0, length);
  }

  /** Pulling the sound through is what makes the filter work. */
  async #drain(): Promise<void> {
    for (;;) {
      const result = await this.#sink.buffersinkGetFrame(this.#frame);
      if (result === AVERROR_EAGAIN || result === AVERROR_EOF) return;
      check(result, 'transcription');
      this.#frame.unref();
    }
  }

  [Symbol.dispose](): void {
    this.#frame.free();
    this.#graph.free();
    this.#output[Symbol.dispose]();
  }
}

function filter(name: string): Filter {
  return required(Filter.getByName(name), name);
}

function required<T>(part: T | null, name: string): T {
  if (part === null) throw new Error(`FFmpeg has no filter "${name}".`);
  return part;
}

function check(result: number, what: string): void {
  if (result < 0) throw new Error(`Whisper: ${what} (FFmpeg error ${result}).`);
}
