import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { audioModel, TINY_VIT, textModel, visionModel } from './onnx/models.ts';

/** Part of an input of `SmallMultimodalModel`. */
export type ModelPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'image'; readonly rgb: Uint8Array; readonly width: number; readonly height: number }
  | { readonly kind: 'sound'; readonly samples: Float32Array; readonly sampleRate: number };

const VOCABULARY = 256;
const BANDS = 64;

/**
 * A model of small graphs with random weights that embeds text, pictures and sound, and inputs of several parts, whose order
 * matters. onnxruntime runs the graphs.
 */
export class SmallMultimodalModel {
  readonly #vision: InferenceSession;
  readonly #audio: InferenceSession;
  readonly #text: InferenceSession;
  /** Length of the vectors. */
  readonly dimension: number;

  private constructor(sessions: readonly InferenceSession[], dimension: number) {
    [this.#vision, this.#audio, this.#text] = sessions as [InferenceSession, InferenceSession, InferenceSession];
    this.dimension = dimension;
  }

  static async open(dimension: number): Promise<SmallMultimodalModel> {
    const graphs = [
      visionModel(TINY_VIT, 1, { name: 'embeds', width: dimension }),
      audioModel({ bands: BANDS }, 2, { name: 'embeds', width: dimension }),
      textModel({ vocabulary: VOCABULARY, width: dimension, pooled: true, name: 'embeds' }),
    ];
    const options = { intraOpNumThreads: 1, interOpNumThreads: 1 } as const;
    const sessions = await Promise.all(graphs.map((graph) => InferenceSession.create(graph, options)));
    return new SmallMultimodalModel(sessions, dimension);
  }

  /** Vector of norm 1 of an input. Later parts weigh more. */
  async embed(parts: readonly ModelPart[]): Promise<number[]> {
    const sum = new Float64Array(this.dimension);
    for (const [i, part] of parts.entries()) {
      const vector = await this.#embedPart(part);
      const scale = (i + 1) / Math.hypot(...vector);
      for (let at = 0; at < sum.length; at++) sum[at]! += vector[at]! * scale;
    }
    const norm = Math.hypot(...sum);
    return Array.from(sum, (value) => Math.fround(value / norm));
  }

  async #embedPart(part: ModelPart): Promise<Float32Array> {
    if (part.kind === 'text') {
      const bytes = Buffer.from(part.text);
      const shape = [1, bytes.length];
      const ids = new Tensor('int64', BigInt64Array.from(bytes, BigInt), shape);
      const mask = new Tensor('int64', new BigInt64Array(bytes.length).fill(1n), shape);
      return run(this.#text, { input_ids: ids, attention_mask: mask });
    }
    if (part.kind === 'image') {
      const { image: side } = TINY_VIT;
      const raw = { raw: { width: part.width, height: part.height, channels: 3 as const } };
      const bytes = await sharp(part.rgb, raw).resize(side, side, { fit: 'fill' }).raw().toBuffer();
      const pixels = Float32Array.from({ length: bytes.length }, (_, i) => {
        const [channel, at] = [Math.floor(i / side ** 2), i % side ** 2];
        return (bytes[at * 3 + channel]! / 255 - 0.5) / 0.25;
      });
      return run(this.#vision, { pixel_values: new Tensor('float32', pixels, [1, 3, side, side]) });
    }
    const frames = Math.max(1, Math.floor(part.samples.length / BANDS));
    const features = new Float32Array(frames * BANDS);
    features.set(part.samples.subarray(0, features.length).map((sample) => 100 * sample));
    return run(this.#audio, { input_features: new Tensor('float32', features, [1, 1, frames, BANDS]) });
  }
}

async function run(session: InferenceSession, inputs: Record<string, Tensor>): Promise<Float32Array> {
  return (await session.run(inputs))['embeds']!.data as Float32Array;
}
