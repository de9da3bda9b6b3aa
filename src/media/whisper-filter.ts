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

/** Sample rate of Whisper's input, in hertz. The input is mono. */
export const WHISPER_RATE = 16_000;
/** Maximum length of a window, in seconds: Whisper's training length. */
const WHISPER_WINDOW_SEC = 30;
/** Maximum length of a window, in samples. */
export const WHISPER_WINDOW_SAMPLES = WHISPER_WINDOW_SEC * WHISPER_RATE;

/** Model and device of a `WhisperFilter`. */
export interface WhisperOptions {
  /** Path of a ggml model file for whisper.cpp. */
  readonly model: string;
  /** ISO 639-1 code, or `auto` for detection in each window. */
  readonly language: string;
  /** `try` falls back to the CPU without a GPU; `must` fails instead. */
  readonly gpu: 'never' | 'try' | 'must';
  readonly threads: number;
}

/** Log line of whisper.cpp for a missing GPU. It reports this in no other way. */
const NO_GPU = /no GPU found/;

/**
 * FFmpeg's `whisper` filter with a loaded model. The filter queues sound, and transcribes the queue when the next piece would
 * not fit, or at the end of the stream. After the end it accepts no more sound.
 */
export class WhisperFilter implements Disposable {
  readonly #graph = new FilterGraph();
  readonly #output = new UnlinkedFile('whisper');
  readonly #source: FilterContext;
  readonly #sink: FilterContext;
  readonly #frame = new Frame();
  /** Queued samples that are not transcribed yet. */
  #held = 0;

  /**
   * Loads a model. Blocks the thread meanwhile.
   * @throws {Error} if the model cannot be loaded, or a required GPU is missing
   */
  static async open(options: WhisperOptions): Promise<WhisperFilter> {
    if (options.gpu !== 'must') return new WhisperFilter(options);
    let isOnCpu = false;
    Log.setCallback((_, line) => (isOnCpu ||= NO_GPU.test(line)), { maxLevel: AV_LOG_DEBUG });
    try {
      const filter = new WhisperFilter(options);
      await nextTurn();
      await nextTurn(); // log lines arrive in a separate turn of the event loop
      if (!isOnCpu) return filter;
      filter[Symbol.dispose]();
      throw new Error('Whisper found no GPU that it can use. Set REELVEC_DEVICE to auto or cpu.');
    } finally {
      Log.resetCallback();
      Log.setLevel(AV_LOG_QUIET);
      await nextTurn(); // a process that exits before the callback is removed aborts (node-av 6.1.1)
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
        // One line per word, with its times; the frames' metadata has neither.
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

  /** True if a piece of this many samples would be transcribed separately from the queue. */
  startsNewWindow(samples: number): boolean {
    return this.#held === 0 || this.#held + samples > WHISPER_WINDOW_SAMPLES;
  }

  /**
   * Queues a piece, and transcribes the queue before it if the piece does not fit. Resolves after the transcription, which
   * runs on a separate thread.
   * @param startSec of the first sample
   * @param samples at `WHISPER_RATE`; at most a window, the rest is dropped
   */
  async transcribe(startSec: number, samples: Float32Array): Promise<void> {
    // The filter writes past the end of its queue if a piece is longer than that.
    const piece = samples.subarray(0, WHISPER_WINDOW_SAMPLES);
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
    this.#held = this.#held + piece.length > WHISPER_WINDOW_SAMPLES ? piece.length : this.#held + piece.length;
    if (this.#held === WHISPER_WINDOW_SAMPLES) this.#held = 0;
  }

  /** Transcribes the queue and ends the stream. No sound can follow. */
  async finish(): Promise<void> {
    check(await this.#source.buffersrcAddFrame(null), 'end');
    await this.#drain();
    this.#held = 0;
  }

  /** Output lines so far, in the filter's format: `{"start":1200,"end":1450,"text":"word"}`, milliseconds. */
  output(): string {
    const bytes = Buffer.alloc(fstatSync(this.#output.descriptor).size);
    const length = readSync(this.#output.descriptor, bytes, 0, bytes.length, 0);
    return bytes.toString('utf8', 0, length);
  }

  /** Pulls the sound through the graph, which makes the filter run. */
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
