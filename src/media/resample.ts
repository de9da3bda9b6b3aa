import { AV_CHANNEL_LAYOUT_MONO, AV_SAMPLE_FMT_FLT, type AVSampleFormat } from 'node-av/constants';
import { avGetBytesPerSample, avGetPackedSampleFmt, type Frame, SoftwareResampleContext } from 'node-av/lib';
import { Undecodable } from './damage.ts';
import type { SoundRate } from './frames.ts';

/** Maximum magnitude of a sample: 40 dB over full scale. */
const MAX_SAMPLE = 100;
/** Samples per swresample call, which allocates memory in proportion. */
const PIECE_SAMPLES = 4096;
/** Maximum output samples beyond the expected number. */
const SPARE_SAMPLES = 64;
/** Maximum planes that node-av passes to swresample. With more, swresample reads out of bounds (node-av 6.1.1). */
const MAX_PLANES = 8;

/**
 * Highest-quality filter of librosa and torchaudio: a Kaiser-windowed sinc. `crossings` are the zero crossings per side,
 * `beta` is the window's shape, `rolloff` the cutoff as a share of the lower Nyquist frequency.
 */
const FINE_FILTER = { crossings: 64, beta: 14.769656459379492, rolloff: 0.9475937167399596 };

/**
 * Resamples mono sound with swresample. Calls are independent: the result depends on these samples alone. The samples are
 * mirrored at both ends.
 *
 * `quick` is swresample's default filter with 16 zero crossings; its error is up to 0.002 near the Nyquist frequency. `fine`
 * is within 0.00004 of torchaudio and takes two to ten times as long: 5 to 25 ms for six seconds of sound.
 * @returns round(length × to / from) samples, in newly allocated memory
 */
export function resample(
  samples: Float32Array,
  fromHz: number,
  { sampleRate: toHz, resampling = 'quick' }: SoundRate,
): Float32Array {
  if (fromHz === toHz || samples.length === 0) return samples.slice();
  const swr = open(AV_CHANNEL_LAYOUT_MONO, AV_SAMPLE_FMT_FLT, fromHz, toHz, { resampling });
  try {
    const length = Math.round((samples.length * toHz) / fromHz);
    const out = Buffer.alloc((length + SPARE_SAMPLES) * 4);
    const input = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    const step = Math.ceil((PIECE_SAMPLES * toHz) / fromHz) + SPARE_SAMPLES;
    let done = 0;
    const convert = (piece: Buffer | null) => {
      const left = length + SPARE_SAMPLES - done;
      const room = piece ? Math.min(step, left) : left;
      done += Math.max(0, swr.convertSync([out.subarray(done * 4)], room, piece && [piece], (piece?.length ?? 0) / 4));
    };
    for (let at = 0; at < input.length; at += PIECE_SAMPLES * 4) convert(input.subarray(at, at + PIECE_SAMPLES * 4));
    // Flushes the filter.
    convert(null);
    return new Float32Array(out.buffer, out.byteOffset, length);
  } finally {
    swr.free();
  }
}

/** Mixes decoded sound to mono float at its own sample rate. Layout and format may change mid-stream. */
export class MonoMixer implements Disposable {
  #out = new Float32Array();
  #swr: SoftwareResampleContext | undefined;
  /** Format converter for stereo that keeps both channels. */
  #stereo: SoftwareResampleContext | undefined;
  #pairs = new Float32Array();
  #sides = new Float32Array();
  #shape = '';

  /**
   * Mixes a frame to mono.
   * @returns samples, −1 to 1. Valid until the next call, which reuses the memory.
   * @throws {Undecodable} for a format that swresample refuses; the next frame may have another
   */
  mix(frame: Frame): Float32Array {
    const shape = `${frame.format}:${frame.sampleRate}:${frame.channels}:${frame.channelLayout.mask}`;
    const planes = frame.extendedData ?? frame.data;
    const isPacked = !planes || planes.length <= MAX_PLANES;
    if (shape !== this.#shape) {
      this[Symbol.dispose]();
      const format = isPacked ? frame.format : avGetPackedSampleFmt(sampleFormat(frame));
      this.#swr = open(frame.channelLayout, format, frame.sampleRate, frame.sampleRate);
      this.#shape = shape;
    }
    const input = isPacked ? planes : [interleave(planes, avGetBytesPerSample(sampleFormat(frame)))];
    if (frame.nbSamples > this.#out.length) this.#out = new Float32Array(frame.nbSamples);
    const done = this.#swr!.convertSync([Buffer.from(this.#out.buffer)], frame.nbSamples, input, frame.nbSamples);
    return clampSamples(this.#out.subarray(0, Math.max(0, done)));
  }

  /**
   * Difference of the channels of the last mixed frame, in the scale of the mix.
   * @returns undefined unless the sound is stereo. Valid until the next call, which reuses the memory.
   */
  sides(frame: Frame): Float32Array | undefined {
    if (frame.channels !== 2) return undefined;
    this.#stereo ??= open(frame.channelLayout, frame.format, frame.sampleRate, frame.sampleRate, {
      to: frame.channelLayout,
    });
    const { nbSamples } = frame;
    if (nbSamples > this.#sides.length) {
      this.#sides = new Float32Array(nbSamples);
      this.#pairs = new Float32Array(2 * nbSamples);
    }
    const input = frame.extendedData ?? frame.data;
    const done = Math.max(0, this.#stereo.convertSync([Buffer.from(this.#pairs.buffer)], nbSamples, input, nbSamples));
    for (let i = 0; i < done; i++) {
      const side = (this.#pairs[2 * i]! - this.#pairs[2 * i + 1]!) * Math.SQRT1_2;
      // Invalid differences (NaN, or out of bounds) become 0: the mix itself may be fine.
      this.#sides[i] = side <= MAX_SAMPLE && side >= -MAX_SAMPLE ? side : 0;
    }
    return this.#sides.subarray(0, done);
  }

  [Symbol.dispose](): void {
    this.#swr?.free();
    this.#stereo?.free();
    this.#swr = undefined;
    this.#stereo = undefined;
    this.#shape = '';
  }
}

function sampleFormat({ format }: Frame): AVSampleFormat {
  return format as AVSampleFormat;
}

/** Interleaves planar samples into one packed plane. */
function interleave(planes: readonly Buffer[], bytesPerSample: number): Buffer {
  const step = planes.length * bytesPerSample;
  const out = Buffer.alloc(planes.length * planes[0]!.length);
  for (const [channel, plane] of planes.entries()) {
    for (let from = 0, to = channel * bytesPerSample; from < plane.length; from += bytesPerSample, to += step) {
      for (let byte = 0; byte < bytesPerSample; byte++) out[to + byte] = plane[from + byte]!;
    }
  }
  return out;
}

/** Clamps samples in place to ±`MAX_SAMPLE`; NaN becomes 0. Float formats may contain any value. */
function clampSamples(samples: Float32Array): Float32Array {
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i]!;
    if (!(sample <= MAX_SAMPLE && sample >= -MAX_SAMPLE))
      samples[i] = sample > 0 ? MAX_SAMPLE : sample < 0 ? -MAX_SAMPLE : 0;
  }
  return samples;
}

type Layout = Frame['channelLayout'];

function open(
  layout: Layout,
  format: Frame['format'],
  fromHz: number,
  toHz: number,
  { resampling = 'quick', to = AV_CHANNEL_LAYOUT_MONO }: Pick<SoundRate, 'resampling'> & { to?: Layout } = {},
): SoftwareResampleContext {
  const swr = new SoftwareResampleContext();
  const set = swr.allocSetOpts2(to, AV_SAMPLE_FMT_FLT, toHz, layout, format as never, fromHz);
  if (resampling === 'fine') {
    swr.setOption('filter_size', 2 * FINE_FILTER.crossings);
    swr.setOption('kaiser_beta', FINE_FILTER.beta);
    // swresample's cutoff is a share of the output's Nyquist frequency, which is the higher one when upsampling.
    swr.setOption('cutoff', FINE_FILTER.rolloff * Math.min(1, fromHz / toHz));
  }
  if (set < 0 || swr.init() < 0) {
    swr.free();
    throw new Undecodable(`swresample refused ${fromHz} Hz to ${toHz} Hz`);
  }
  return swr;
}
