import type { InputPart, Picture, ShapedPictureSize } from '../../media/frames.ts';
import type { Size } from '../../media/picture/resize.ts';
import type { AudioEncoder, JointEncoder, TextEncoder, VisualClip, VisualEncoder } from '../encoder.ts';
import { meanOfDistinct } from '../tensors/distinct-pictures.ts';
import { embedGroups } from '../tensors/embed-groups.ts';
import { middleOfEach } from '../tensors/pictures.ts';
import { equalParts } from '../tensors/sound.ts';
import { meanVector } from '../vectors.ts';
import type { EmbeddingsModel } from './model.ts';
import type { SentPictures, SentSound, SentText } from './spec.ts';

/** Visual encoder on an embeddings server. */
export function picturesOnServer(part: {
  space: string;
  pictures: SentPictures;
  model: EmbeddingsModel;
}): VisualEncoder {
  const { space, pictures: spec, model } = part;
  return {
    space,
    pictures: { ...formatOf(spec), perSecond: spec.perSecond },
    async encode(clips, { signal } = {}) {
      const options = { perSecond: spec.perSecond, signal };
      if (spec.as !== 'mean') {
        const inputs = clips.map((clip) => filmParts(chosen(clip, spec), clip.isStill ? 'images' : spec.as));
        return model.embed(inputs, options);
      }
      const pictures = clips.map((clip) => chosen(clip, spec));
      return meanOfDistinct(pictures, spec.sameUpTo, (items) =>
        model.embed(
          items.map((picture) => [{ kind: 'picture', picture }]),
          options,
        ),
      );
    },
    close: () => model.close(),
  };
}

/** Audio encoder on an embeddings server. The vector of a long clip is the mean over equal parts. */
export function soundOnServer(part: { space: string; sound: SentSound; model: EmbeddingsModel }): AudioEncoder {
  const {
    space,
    sound: { sampleRate, windowSec },
    model,
  } = part;
  return {
    space,
    sampleRate,
    resampling: 'fine',
    async encode(clips, { signal } = {}) {
      const windows = clips.map(({ samples }) => equalParts(samples, Math.floor(windowSec * sampleRate)));
      const vectors = await embedGroups(windows, (items) =>
        model.embed(
          items.map((samples) => [{ kind: 'sound', samples }]),
          { sampleRate, signal },
        ),
      );
      return vectors.map(meanVector);
    },
    close: () => model.close(),
  };
}

/** Text encoder on an embeddings server. */
export function textsOnServer(part: { space: string; text: SentText; model: EmbeddingsModel }): TextEncoder {
  const {
    space,
    text: { prefix, chat },
    model,
  } = part;
  return {
    space,
    encode: (clips, { signal } = {}) =>
      model.embed(
        clips.map(({ text }) => [{ kind: 'text', text: prefix + text }]),
        { chat, signal },
      ),
    close: () => model.close(),
  };
}

/**
 * Encoder of queries of several parts, as one input.
 * @param part.prefix text before an input that holds text
 * @param part.sampleRate of the sound of a query, in hertz
 */
export function jointOnServer(part: {
  space: string;
  pictures: SentPictures;
  prefix: string;
  sampleRate: number | undefined;
  model: EmbeddingsModel;
}): JointEncoder {
  const { space, pictures: spec, prefix, sampleRate, model } = part;
  return {
    space,
    pictures: formatOf(spec),
    async encode(input, { signal } = {}) {
      const parts = input.flatMap((each): readonly InputPart[] => {
        if (each.kind !== 'video') return [each];
        return filmParts(middleOfEach(each.pictures, spec.perClip), spec.as);
      });
      const hasText = prefix !== '' && parts.some(({ kind }) => kind === 'text');
      const all: readonly InputPart[] = hasText ? [{ kind: 'text', text: prefix }, ...parts] : parts;
      const options = { perSecond: spec.perSecond, ...(sampleRate && { sampleRate }), signal };
      const [vector] = await model.embed([all], options);
      return vector!;
    },
    close: () => model.close(),
  };
}

function chosen({ pictures }: VisualClip, { perClip }: SentPictures): readonly Picture[] {
  return middleOfEach(pictures, perClip);
}

function filmParts(pictures: readonly Picture[], as: SentPictures['as']): readonly InputPart[] {
  if (as === 'video') return [{ kind: 'video', pictures }];
  return pictures.map((picture) => ({ kind: 'picture', picture }));
}

/** Whole pictures, scaled down where their longer side is too long. */
function formatOf({ maxSide }: SentPictures): ShapedPictureSize {
  const sizeFor = ({ width, height }: Size) => {
    const factor = Math.min(1, maxSide / Math.max(width, height));
    const scaled = (side: number) => Math.max(1, Math.round(factor * side));
    return { width: scaled(width), height: scaled(height) };
  };
  return { fit: 'shape', sizeFor, filter: 'bicubic' };
}
