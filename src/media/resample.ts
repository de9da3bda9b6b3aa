import { AV_CHANNEL_LAYOUT_MONO, AV_SAMPLE_FMT_FLT, type AVSampleFormat } from 'node-av/constants';
import { avGetBytesPerSample, avGetPackedSampleFmt, type Frame, SoftwareResampleContext } from 'node-av/lib';
import { Undecodable } from './damage.ts';
import type { SoundRate } from './frames.ts';

const MAX_SAMPLE = 100;
/** What swresample gets at once: it takes as much memory, for each stretch anew. Samples. */
const PIECE_SAMPLES = 4096;
/** What may come out beyond what is due. Samples. */
const SPARE_SAMPLES = 64;
/** node-av hands swresample so many planes of a frame, and lets it read more than there are where it has more (6.1.1). */
const MAX_PLANES = 8;

/**
 * librosa's and torchaudio's best filter: a sinc under a Kaiser window, zero crossings to each side, the window's shape,
 * and where it falls to one half, as a share of the lower Nyquist frequency.
 */
const FINE_FILTER = { crossings: 64, beta: 14.769656459379492, rolloff: 0.9475937167399596 };

/**
 * Changes the rate of a whole stretch of mono sound with swresample. Each call stands alone, so the result depends on
 * the samples alone and not on what was resampled before; at the ends they are mirrored.
 *
 * `quick` is swresample's own filter, of 16 zero crossings, and off by up to 0.002 near the Nyquist frequency. `fine` is
 * within 0.00004 of torchaudio, and takes two to ten times as long: 5 to 25 ms for six seconds of sound.
 * @returns round(length × to / from) samples, in memory of their own
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
    // what the filter still holds
    convert(null);
    return new Float32Array(out.buffer, out.byteOffset, length);
  } finally {
    swr.free();
  }
}

/** Mixes decoded sound down to mono float at its own rate; follows changes of layout and format mid-stream. */
export class MonoMixer implements Disposable {
  #out = new Float32Array();
  #swr: SoftwareResampleContext | undefined;
  /** Of stereo: converts its format and keeps both channels. */
  #stereo: SoftwareResampleContext | undefined;
  #pairs = new Float32Array();
  #sides = new Float32Array();
  #shape = '';

  /**
   * @returns the frame's samples, −1 to 1; until the next call, which writes into the same memory
   * @throws {Undecodable} for sound that swresample does not take; the next frame may be different
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
   * The difference of the channels of the frame that was mixed last, in the scale of the mix.
   * @returns until the next call, which writes into the same memory; undefined for any other sound than stereo
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
      // What is no number, or beyond all bounds, is no reason to give up the mix.
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

/** One plane in which the samples of all channels follow each other. */
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

/** Floats in a file may be anything: what is no number is silence, and 40 dB over full scale is loud enough. */
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
    // swresample counts from the higher rate.
    swr.setOption('cutoff', FINE_FILTER.rolloff * Math.min(1, fromHz / toHz));
  }
  if (set < 0 || swr.init() < 0) {
    swr.free();
    throw new Undecodable(`swresample refused ${fromHz} Hz to ${toHz} Hz`);
  }
  return swr;
}
