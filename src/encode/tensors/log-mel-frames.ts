import { Fft, splitPowers } from '../dsp/fft.ts';
import { MelBands } from '../dsp/mel.ts';
import { hannWindow } from '../dsp/window.ts';

/** Mel spectrogram of variable length, as for speech encoders that make soft tokens. */
export interface MelFramesSpec {
  /** Sample rate, in hertz. */
  readonly sampleRate: number;
  /** Maximum length of the sound; the rest is dropped. Samples. */
  readonly maxSamples: number;
  /** The sound is padded with silence at its end to a multiple of this. Samples. */
  readonly multiple: number;
  /** Length of the Hann window. Samples. The sound begins after half a window of silence. */
  readonly frame: number;
  /** Distance between frames. Samples. */
  readonly hop: number;
  /** Size of the Fourier transform, to which a frame is padded. Samples; a power of two. */
  readonly fftSize: number;
  /** Number of mel bands: triangles of height 1 on the HTK scale. */
  readonly bands: number;
  /** Lower edge of the first band, in hertz. */
  readonly lowHz: number;
  /** Upper edge of the last band, in hertz. */
  readonly highHz: number;
  /** Added to the magnitude of a band before the logarithm. */
  readonly floor: number;
  /** Number of frames per soft token. */
  readonly framesPerToken: number;
}

/** Model input for a sound. */
export interface MelFrames {
  /** Frames × bands: natural logarithm of the magnitude. 0 for frames that the mask excludes. */
  readonly features: Float32Array;
  /** 1 for a frame that lies within the sound, 0 for one that reaches past its end. */
  readonly mask: Uint8Array;
  /** Number of frames, including excluded ones. 0 for a sound shorter than a frame. */
  readonly frames: number;
  /** Number of soft tokens that the model makes of the sound. 0 for a sound of at most half a window. */
  readonly softTokens: number;
}

/**
 * Creates the function that measures mel frames. The arithmetic is that of Gemma 4's audio feature extractor: magnitude
 * spectrum of a periodic Hann window, mel bands, natural logarithm; frames are counted as if they were one sample longer.
 */
export function melFrames(spec: MelFramesSpec): (samples: Float32Array) => MelFrames {
  const { frame, hop, bands, multiple } = spec;
  const lead = frame >> 1;
  /** Number of frames of `frame` + 1 samples within padded sound. */
  const framesIn = (length: number) => Math.max(0, Math.floor((lead + length - frame - 1) / hop) + 1);
  const magnitudes = new FrameMagnitudes(spec);
  return (given) => {
    const samples = given.subarray(0, spec.maxSamples);
    const frames = framesIn(Math.ceil(samples.length / multiple) * multiple);
    const whole = framesIn(samples.length);
    const features = new Float32Array(frames * bands);
    magnitudes.write(samples, whole, features);
    for (let i = 0; i < whole * bands; i++) features[i] = Math.log(features[i]! + spec.floor);
    const mask = new Uint8Array(frames).fill(1, 0, whole);
    return { features, mask, frames, softTokens: Math.ceil(whole / spec.framesPerToken) };
  };
}

/** Magnitudes of the mel bands of frames. */
class FrameMagnitudes {
  readonly #spec: MelFramesSpec;
  readonly #fft: Fft;
  readonly #window: Float64Array;
  readonly #bands: MelBands;

  constructor(spec: MelFramesSpec) {
    this.#spec = spec;
    this.#fft = new Fft(spec.fftSize);
    this.#window = hannWindow(spec.frame);
    this.#bands = new MelBands({ ...spec, count: spec.bands, scale: 'htk', weights: 'peak' });
  }

  /** Writes the bands of the first `frames` frames. */
  write(samples: Float32Array, frames: number, out: Float32Array): void {
    const { bands, fftSize } = this.#spec;
    const re = new Float64Array(fftSize);
    const im = new Float64Array(fftSize);
    const powers = [new Float64Array(fftSize / 2 + 1), new Float64Array(fftSize / 2 + 1)] as const;
    const sums = new Float64Array(bands);
    // One transform handles two frames, as its real and imaginary parts.
    for (let first = 0; first < frames; first += 2) {
      this.#fill(re, samples, first);
      if (first + 1 < frames) this.#fill(im, samples, first + 1);
      else im.fill(0);
      this.#fft.transform(re, im);
      splitPowers(re, im, ...powers);
      for (let i = 0; i < 2 && first + i < frames; i++) {
        const power = powers[i]!;
        for (let bin = 0; bin < power.length; bin++) power[bin] = Math.sqrt(power[bin]!);
        this.#bands.apply(power, sums, 0);
        out.set(sums, (first + i) * bands);
      }
    }
  }

  /** Writes a frame under the window. Silence precedes the sound. */
  #fill(to: Float64Array, samples: Float32Array, index: number): void {
    const { frame, hop } = this.#spec;
    const start = index * hop - (frame >> 1);
    to.fill(0, frame);
    for (let i = 0; i < frame; i++) to[i] = (samples[start + i] ?? 0) * this.#window[i]!;
  }
}
