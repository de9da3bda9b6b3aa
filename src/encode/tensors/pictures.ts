import type { Picture } from '../../media/frames.ts';
import type { VisualEncoder } from '../encoder.ts';
import type { OutputSpec } from '../spec-fields.ts';
import { meanOfDistinct } from './distinct-pictures.ts';
import { embedItems } from './embed-items.ts';
import type { PicturesSpec } from './spec.ts';
import type { Tensor, TensorModel } from './tensor.ts';

/** Visual encoder on top of a picture model. The vector of a clip is the mean over its pictures. */
export function pictureEncoder(part: {
  space: string;
  input: string;
  output: OutputSpec;
  pictures: PicturesSpec;
  model: TensorModel;
}): VisualEncoder {
  const { space, input, output, pictures: spec, model } = part;
  return {
    space,
    pictures: spec,
    encode(clips, { signal } = {}) {
      const chosen = clips.map((clip) => middleOfEach(clip.pictures, spec.perClip));
      return meanOfDistinct(chosen, spec.sameUpTo, (items) =>
        embedItems(items, {
          model,
          output,
          signal,
          inputs: (pictures) => ({ [input]: toTensor(pictures, spec) }),
        }),
      );
    },
    close: () => model.close(),
  };
}

/** Chooses at most `count` pictures, each from the middle of an equal part of the clip. */
export function middleOfEach(pictures: readonly Picture[], count: number): readonly Picture[] {
  if (pictures.length <= count) return pictures;
  return Array.from({ length: count }, (_, i) => pictures[Math.floor(((i + 0.5) * pictures.length) / count)]!);
}

/** Tensor of batch × 3 × height × width: bytes scaled to 0 … 1, minus the mean, divided by the deviation. */
export function toTensor(pictures: readonly Picture[], spec: PicturesSpec): Tensor {
  const { width, height } = spec;
  const plane = width * height;
  const data = new Float32Array(pictures.length * 3 * plane);
  const tables = [0, 1, 2].map((channel) =>
    Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - spec.mean[channel]!) / spec.deviation[channel]!),
  );
  for (const [n, { data: bytes }] of pictures.entries()) {
    for (const [channel, table] of tables.entries()) {
      const to = (n * 3 + channel) * plane;
      for (let i = 0, from = channel; i < plane; i++, from += 3) data[to + i] = table[bytes[from]!]!;
    }
  }
  return { type: 'float32', dims: [pictures.length, 3, height, width], data };
}
