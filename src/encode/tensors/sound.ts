import type { AudioClip, AudioEncoder } from '../encoder.ts';
import type { OutputSpec } from '../spec-fields.ts';
import { meanVector } from '../vectors.ts';
import { embedGroups } from './embed-groups.ts';
import { embedItems } from './embed-items.ts';
import { LogMel } from './log-mel.ts';
import type { SoundSpec } from './spec.ts';
import type { Tensor, TensorModel } from './tensor.ts';

/** Audio encoder on top of a model of fixed windows. The vector of a clip is the mean over its windows. */
export function soundEncoder(part: {
  space: string;
  input: string;
  output: OutputSpec;
  sound: SoundSpec;
  model: TensorModel;
}): AudioEncoder {
  const { space, input, output, sound, model } = part;
  const toTensor = windowsToTensor(sound);
  return {
    space,
    sampleRate: sound.sampleRate,
    resampling: 'fine',
    async encode(clips, { signal } = {}) {
      const windows = clips.map((clip) => windowsOf(clip, sound));
      const vectors = await embedGroups(windows, (items) =>
        embedItems(items, {
          model,
          output,
          signal,
          inputs: (batch) => ({ [input]: toTensor(batch) }),
        }),
      );
      return vectors.map(meanVector);
    },
    close: () => model.close(),
  };
}

/** Splits a clip into equal parts no longer than the model's window, each padded to that length. */
export function windowsOf({ samples }: Pick<AudioClip, 'samples'>, spec: SoundSpec): Float32Array[] {
  const length = Math.round(spec.windowSec * spec.sampleRate);
  return equalParts(samples, length).map((own) => {
    const window = new Float32Array(length);
    const times = spec.fill === 'repeat' && own.length > 0 ? Math.floor(length / own.length) : 1;
    for (let time = 0; time < times; time++) window.set(own, time * own.length);
    return window;
  });
}

/** Splits samples into as few equal parts as have at most `maxLength` samples each; at least one. */
export function equalParts(samples: Float32Array, maxLength: number): Float32Array[] {
  const count = Math.max(1, Math.ceil(samples.length / maxLength));
  return Array.from({ length: count }, (_, i) =>
    samples.subarray(Math.round((i * samples.length) / count), Math.round(((i + 1) * samples.length) / count)),
  );
}

/** Creates a function that converts windows to the input of a model. */
export function windowsToTensor({
  sampleRate,
  windowSec,
  features,
}: SoundSpec): (windows: readonly Float32Array[]) => Tensor {
  const length = Math.round(windowSec * sampleRate);
  if (features.kind === 'waveform') {
    return (windows) => {
      const data = new Float32Array(windows.length * length);
      windows.forEach((window, i) => {
        data.set(window, i * length);
      });
      return { type: 'float32', dims: [windows.length, length], data };
    };
  }
  const { frame, hop, bands, lowHz, highHz, scale, area } = features;
  const weights = area === 'slaney' ? 'slaney' : 'peak';
  const logMel = new LogMel({ count: bands, lowHz, highHz, fftSize: frame, sampleRate, scale, weights, hop });
  const frames = logMel.frames(length);
  return (windows) => {
    const size = frames * bands;
    const data = new Float32Array(windows.length * size);
    windows.forEach((window, i) => {
      logMel.measure(window, data.subarray(i * size, (i + 1) * size));
    });
    return { type: 'float32', dims: [windows.length, 1, frames, bands], data };
  };
}
