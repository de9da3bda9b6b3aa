import { ReelvecError } from '../../errors.ts';
import type { InputPart } from '../../media/frames.ts';
import type { AudioEncoder, JointEncoder, TextEncoder, VisualEncoder } from '../encoder.ts';
import { embedGroups } from '../tensors/embed-groups.ts';
import { embedItems } from '../tensors/embed-items.ts';
import { equalParts } from '../tensors/sound.ts';
import type { Tensor, TensorModel } from '../tensors/tensor.ts';
import type { TextTokens } from '../tensors/tokens.ts';
import { meanVector } from '../vectors.ts';
import { PictureTokens } from './picture-tokens.ts';
import { type MediaPlace, type MediaTokens, PromptTokens } from './prompt-tokens.ts';
import { SoundTokens } from './sound-tokens.ts';
import type { MultimodalSpec } from './spec.ts';

/** Options of `MultimodalModel`. Graphs are loaded on first use, each on its own. */
export interface MultimodalModelOptions {
  readonly spec: MultimodalSpec;
  readonly tokens: TextTokens;
  /** The text graph; one input per run. */
  readonly text: TensorModel;
  /** The encoder of pictures, if the model has one. */
  readonly pictures?: TensorModel | undefined;
  /** The encoder of sound, if the model has one. */
  readonly sound?: TensorModel | undefined;
}

/** An input of the text graph. */
interface Input {
  /** Text before the parts. */
  readonly prefix: string;
  readonly parts: readonly InputPart[];
}

/** A picture, film or sound of an input. */
interface PlacedMedia {
  /** One place per picture or sound. */
  readonly places: readonly (MediaPlace & { readonly tokens: MediaInput })[];
  /** Encodes the soft tokens of each place. */
  encode(options: EncodeOptions): Promise<Float32Array[]>;
}

/** Tokens of a kind of media, and the input of the text graph for its soft tokens. */
type MediaInput = MediaTokens & { readonly input: string };

interface EncodeOptions {
  readonly signal?: AbortSignal;
}

/** The encoders of a multimodal model: one space for pictures, sound, text and what combines them. */
export class MultimodalModel {
  readonly #spec: MultimodalSpec;
  readonly #tokens: TextTokens;
  readonly #prompt: PromptTokens;
  readonly #text: TensorModel;
  readonly #pictures: PictureTokens | undefined;
  readonly #sound: SoundTokens | undefined;

  constructor({ spec, tokens, text, pictures, sound }: MultimodalModelOptions) {
    const width = spec.softTokenWidth;
    this.#spec = spec;
    this.#tokens = tokens;
    this.#prompt = new PromptTokens(tokens, mediaTokens(spec));
    this.#text = text;
    this.#pictures = pictures && new PictureTokens({ spec: spec.pictures!, width, model: pictures });
    this.#sound = sound && new SoundTokens({ spec: spec.sound!, width, model: sound });
  }

  /** Encoder of segments: the pictures of one as one video, without a prefix. */
  visual(): VisualEncoder {
    const { video } = this.#spec.pictures!;
    return {
      space: this.#spec.space,
      pictures: { ...this.#pictures!.format('video'), perSecond: video.perSecond },
      encode: (clips, options) => {
        const inputs = clips.map(({ pictures }) => ({ prefix: '', parts: [{ kind: 'video', pictures }] as const }));
        return this.#encode(inputs, options);
      },
      close: () => this.close(),
    };
  }

  /** Encoder of sound, without a prefix. The vector of sound longer than the model takes is the mean over its windows. */
  audio(): AudioEncoder {
    const { maxSamples } = this.#sound!;
    return {
      space: this.#spec.space,
      sampleRate: this.#spec.sound!.sampleRate,
      resampling: 'fine',
      encode: async (clips, options) => {
        const windows = clips.map(({ samples }) => equalParts(samples, maxSamples));
        const vectors = await embedGroups(windows, (items) => {
          const inputs = items.map((samples) => ({ prefix: '', parts: [{ kind: 'sound', samples }] as const }));
          return this.#encode(inputs, options);
        });
        return vectors.map(meanVector);
      },
      close: () => this.close(),
    };
  }

  /** Encoder of text after a prefix. */
  textual(use: 'query' | 'document'): TextEncoder {
    const prefix = this.#spec.text[use];
    return {
      space: this.#spec.space,
      encode: (clips, options) => {
        const inputs = clips.map(({ text }) => ({ prefix, parts: [{ kind: 'text', text }] as const }));
        return this.#encode(inputs, options);
      },
      countTokens: (text) => this.#tokens.count(text),
      close: () => this.close(),
    };
  }

  /** Encoder of queries with media. A query that holds text begins with the prefix of queries. */
  joint(): JointEncoder {
    return {
      space: this.#spec.space,
      pictures: this.#pictures!.format('image'),
      encode: async (parts, options) => {
        const prefix = parts.some(({ kind }) => kind === 'text') ? this.#spec.text.query : '';
        const [vector] = await this.#encode([{ prefix, parts }], options);
        return vector!;
      },
      close: () => this.close(),
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#text.close(), this.#pictures?.close(), this.#sound?.close()]);
  }

  #encode(inputs: readonly Input[], { signal }: EncodeOptions = {}): Promise<Float32Array[]> {
    return embedItems(inputs, {
      model: this.#text,
      output: this.#spec.output,
      signal,
      inputs: ([input]) => this.#tensors(input!, { signal }),
    });
  }

  /** Inputs of the text graph. Soft tokens of an absent kind of media are an empty list. */
  async #tensors({ prefix, parts }: Input, options: EncodeOptions): Promise<Record<string, Tensor>> {
    const { text } = this.#spec;
    const media = parts.map((part) => (part.kind === 'text' ? part : this.#place(part)));
    const content = media.flatMap((part): readonly (string | MediaPlace)[] =>
      'places' in part ? part.places : [part.text],
    );
    const ids = await this.#prompt.ids([prefix, ...content]);
    if (ids.length > text.maxTokens) throw tooLong(ids.length, text.maxTokens);
    const dims = [1, ids.length];
    const inputs: Record<string, Tensor> = {
      [text.ids]: { type: 'int64', dims, data: BigInt64Array.from(ids, BigInt) },
      [text.mask]: { type: 'int64', dims, data: new BigInt64Array(ids.length).fill(1n) },
    };
    for (const { input } of mediaTokens(this.#spec)) {
      const found: Float32Array[] = [];
      for (const part of media) {
        if ('places' in part && part.places[0]!.tokens.input === input) found.push(...(await part.encode(options)));
      }
      inputs[input] = this.#softTokens(found);
    }
    return inputs;
  }

  /** Places the soft tokens of a part, which are not encoded yet. */
  #place(part: Exclude<InputPart, { kind: 'text' }>): PlacedMedia {
    if (part.kind === 'sound') {
      const measured = this.#sound!.measure(part.samples);
      return {
        places: [{ tokens: this.#spec.sound!, softTokens: measured.softTokens }],
        encode: async (options) => [await this.#sound!.encode(measured, options)],
      };
    }
    const spec = this.#spec.pictures!;
    const encoder = this.#pictures!;
    const tokens = { ...spec, ...spec[part.kind === 'picture' ? 'image' : 'video'] };
    const pictures = part.kind === 'picture' ? [part.picture] : evenlySpaced(part.pictures, spec.video.perClip);
    return {
      places: pictures.map((picture) => ({ tokens, softTokens: encoder.count(picture) })),
      encode: (options) =>
        part.kind === 'picture' ? encoder.encode(pictures, 'image', options) : encoder.encodeFilm(pictures, options),
    };
  }

  /** Tensor of tokens × width of the soft tokens of several pictures or sounds. */
  #softTokens(each: readonly Float32Array[]): Tensor {
    const data = new Float32Array(each.reduce((sum, { length }) => sum + length, 0));
    let to = 0;
    for (const tokens of each) {
      data.set(tokens, to);
      to += tokens.length;
    }
    const width = this.#spec.softTokenWidth;
    return { type: 'float32', dims: [data.length / width, width], data };
  }
}

/** Tokens of each kind of media that a model takes. */
function mediaTokens({ pictures, sound }: MultimodalSpec): MediaInput[] {
  return [
    ...(pictures ? [pictures.image, pictures.video].map((use) => ({ ...pictures, ...use })) : []),
    ...(sound ? [sound] : []),
  ];
}

/** Chooses at most `count` of a list, evenly spaced, with the first and the last: numpy's linspace, rounded down. */
function evenlySpaced<T>(list: readonly T[], count: number): readonly T[] {
  if (list.length <= count) return list;
  if (count === 1) return list.slice(0, 1);
  const step = (list.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, i) => list[i === count - 1 ? list.length - 1 : Math.floor(i * step)]!);
}

function tooLong(tokens: number, maxTokens: number): ReelvecError {
  return new ReelvecError(
    'parameter_invalid',
    `The parts of the input have ${tokens} tokens together, and the model takes ${maxTokens}. Send fewer or shorter ones.`,
    { details: { tokens, max_tokens: maxTokens } },
  );
}
