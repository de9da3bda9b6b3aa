/**
 * Graphs with the sizes and interfaces of EmbeddingGemma 2 and random weights, for measurements of cost. Linear layers have
 * weights of 8 bits with a scale per 32 of them (`MatMulNBits`), the format whose size equals that of the published q8
 * files; embeddings, norms and convolutions are float32. Sizes: configuration_embedding_gemma2.py and Gemma 4's vision and
 * audio encoders in transformers.
 */
import { GraphBuilder } from '../test/support/onnx/graph.ts';

/** Weights of one scale. */
const BLOCK = 32;
/** Length of a soft token's vector. */
const SOFT_TOKEN_WIDTH = 512;

const TEXT = { layers: 24, width: 512, inner: 2048, heads: 4, perLayer: 512, vocabulary: 262_144, output: 768 };
/** Local layers attend within ± 512 tokens; every sixth layer attends to all. The graphs attend to all, as padding would. */
const LOCAL = { head: 256, keyHeads: 2 };
const GLOBAL = { head: 512, keyHeads: 1, every: 6 };
const VISION = { layers: 16, width: 768, inner: 3072, heads: 12, patch: 768, positions: 10_240, pool: 3 };
const AUDIO = {
  layers: 12,
  width: 1024,
  inner: 4096,
  heads: 8,
  bands: 128,
  channels: [128, 32],
  kernel: 5,
  output: 1536,
};

/** Precision of linear layers. */
export type Precision = 'q8' | 'float32';

/** Ids of the placeholders in the text graph. */
export interface Placeholders {
  readonly image: number;
  readonly video: number;
  readonly audio: number;
}

/** A graph under construction. */
class Layers extends GraphBuilder {
  readonly #precision: Precision;

  constructor(precision: Precision) {
    super(1);
    this.#precision = precision;
  }

  linear(x: string, from: number, to: number): string {
    if (this.#precision === 'float32') return this.node('MatMul', [x, this.weights([from, to], from)]);
    const blocks = from / BLOCK;
    const scale = Math.sqrt(3 / from) / 128;
    return this.contrib('MatMulNBits', [x, this.bytes([to, blocks, BLOCK]), this.fill([to, blocks], scale)], {
      K: from,
      N: to,
      bits: 8,
      block_size: BLOCK,
    });
  }

  norm(x: string, width: number): string {
    return this.node('SimplifiedLayerNormalization', [x, this.fill([width], 1)], {
      axis: -1,
      epsilon: { float: 1e-6 },
    });
  }

  add(...terms: [string, string]): string {
    return this.node('Add', terms);
  }

  multiply(...factors: [string, string]): string {
    return this.node('Mul', factors);
  }

  scaled(x: string, factor: number): string {
    return this.multiply(x, this.fill([1], factor));
  }

  gelu(x: string): string {
    return this.contrib('FastGelu', [x]);
  }

  swish(x: string): string {
    return this.multiply(x, this.node('Sigmoid', [x]));
  }

  /** Two linear layers up, one of them as a gate, and one down. */
  gatedPerceptron(x: string, width: number, inner: number): string {
    const gate = this.gelu(this.linear(x, width, inner));
    return this.linear(this.multiply(gate, this.linear(x, width, inner)), inner, width);
  }

  /** Attention with normalised and rotated queries and keys. @param keyHeads number of heads of keys and values */
  attention(
    x: string,
    { width, heads, head, keyHeads }: Record<'width' | 'heads' | 'head' | 'keyHeads', number>,
  ): string {
    const queries = this.#rotated(this.linear(x, width, heads * head), heads, head);
    const keys = this.#rotated(this.linear(x, width, keyHeads * head), keyHeads, head);
    const values = this.linear(x, width, keyHeads * head);
    const repeated = (part: string) =>
      keyHeads === heads ? part : this.node('Concat', new Array(heads / keyHeads).fill(part), { axis: 2 });
    const mixed = this.contrib('MultiHeadAttention', [queries, repeated(keys), repeated(values)], {
      num_heads: heads,
      scale: { float: 1 / Math.sqrt(head) },
    });
    return this.linear(mixed, heads * head, width);
  }

  #rotated(x: string, heads: number, head: number): string {
    const split = this.node('Reshape', [x, this.integers([0, -1, heads, head])]);
    const joined = this.node('Reshape', [this.norm(split, head), this.integers([0, -1, heads * head])]);
    const [cos, sin] = this.#angles(head);
    return this.contrib('RotaryEmbedding', [joined, this.integers([0]), cos, sin], { num_heads: heads });
  }

  readonly #tables = new Map<number, readonly [string, string]>();

  /** Tables of cosines and sines for 8,192 positions. */
  #angles(head: number): readonly [string, string] {
    const found = this.#tables.get(head);
    if (found) return found;
    const table = (wave: (angle: number) => number) =>
      this.constant(
        [8192, head / 2],
        Float32Array.from({ length: 4096 * head }, (_, i) => {
          const [position, pair] = [Math.floor(i / (head / 2)), i % (head / 2)];
          return wave(position / 10_000 ** ((2 * pair) / head));
        }),
      );
    const made = [table(Math.cos), table(Math.sin)] as const;
    this.#tables.set(head, made);
    return made;
  }
}

/** `pixel_values`, `pixel_position_ids` → `image_features`, the soft tokens of all pictures without padding. */
export function visionEncoder(precision: Precision): Uint8Array {
  const { layers, width, inner, heads, patch, positions: places, pool } = VISION;
  const graph = new Layers(precision);
  const pixels = graph.input('pixel_values', 'float32', ['pictures', 'patches', patch]);
  const positions = graph.input('pixel_position_ids', 'int64', ['pictures', 'patches', 2]);
  const axis = (which: number) =>
    graph.node('Gather', [positions, graph.constant([], BigInt64Array.of(BigInt(which)))], { axis: 2 });
  const [columns, rows] = [axis(0), axis(1)];
  const placed = (at: string) =>
    graph.node('Gather', [graph.weights([places, width], width), graph.node('Max', [at, graph.integers([0])])], {
      axis: 0,
    });
  let x = graph.add(graph.linear(pixels, patch, width), graph.add(placed(columns), placed(rows)));
  for (let layer = 0; layer < layers; layer++) {
    const attended = graph.attention(graph.norm(x, width), { width, heads, keyHeads: heads, head: width / heads });
    x = graph.add(x, graph.norm(attended, width));
    x = graph.add(x, graph.norm(graph.gatedPerceptron(graph.norm(x, width), width, inner), width));
  }
  // The token of a square of patches is that of its first patch; the mean would take no more time.
  const isFirst = (at: string) =>
    graph.node('Equal', [graph.node('Mod', [at, graph.integers([pool])]), graph.integers([0])]);
  const first = graph.node('NonZero', [graph.node('And', [isFirst(columns), isFirst(rows)])]);
  const pooled = graph.node('GatherND', [x, graph.node('Transpose', [first], { perm: [1, 0] })]);
  graph.node('Identity', [graph.linear(graph.norm(pooled, width), width, SOFT_TOKEN_WIDTH)], {}, 'image_features');
  graph.output('image_features', ['tokens', SOFT_TOKEN_WIDTH]);
  return graph.build('vision_encoder');
}

/** `input_features`, `input_features_mask` → `audio_features`, a soft token for each fourth frame within the sound. */
export function audioEncoder(precision: Precision): Uint8Array {
  const { layers, width, inner, heads, bands, channels, kernel, output } = AUDIO;
  const graph = new Layers(precision);
  const features = graph.input('input_features', 'float32', ['sounds', 'frames', bands]);
  const mask = graph.input('input_features_mask', 'bool', ['sounds', 'frames']);
  let maps = graph.node('Unsqueeze', [features, graph.integers([1])]);
  for (const [i, count] of channels.entries()) {
    const from = channels[i - 1] ?? 1;
    const attributes = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
    maps = graph.node('Relu', [graph.node('Conv', [maps, graph.weights([count, from, 3, 3], 9 * from)], attributes)]);
  }
  const joined = graph.node('Reshape', [
    graph.node('Transpose', [maps], { perm: [0, 2, 1, 3] }),
    graph.integers([0, -1, (channels.at(-1)! * bands) / 4]),
  ]);
  let x = graph.linear(joined, (channels.at(-1)! * bands) / 4, width);
  const perceptron = (from: string) =>
    graph.linear(graph.swish(graph.linear(graph.norm(from, width), width, inner)), inner, width);
  for (let layer = 0; layer < layers; layer++) {
    x = graph.add(x, graph.scaled(perceptron(x), 0.5));
    x = graph.add(x, graph.attention(graph.norm(x, width), { width, heads, keyHeads: heads, head: width / heads }));
    const [left, right] = graph.outputs(2, 'Split', [graph.linear(graph.norm(x, width), width, 2 * width)], {
      axis: 2,
    });
    const gated = graph.node('Transpose', [graph.multiply(left!, graph.node('Sigmoid', [right!]))], {
      perm: [0, 2, 1],
    });
    const convolved = graph.node('Conv', [gated, graph.weights([width, 1, kernel], kernel)], {
      kernel_shape: [kernel],
      pads: [kernel - 1, 0],
      group: width,
    });
    const back = graph.swish(graph.norm(graph.node('Transpose', [convolved], { perm: [0, 2, 1] }), width));
    x = graph.add(x, graph.linear(back, width, width));
    x = graph.norm(graph.add(x, graph.scaled(perceptron(x), 0.5)), width);
  }
  const fourth = [[0], [2 ** 31], [1], [4]].map((values) => graph.integers(values));
  const held = graph.node('NonZero', [graph.node('Slice', [mask, ...fourth])]);
  const tokens = graph.node('GatherND', [x, graph.node('Transpose', [held], { perm: [1, 0] })]);
  const projected = graph.linear(graph.norm(graph.linear(tokens, width, output), output), output, SOFT_TOKEN_WIDTH);
  graph.node('Identity', [projected], {}, 'audio_features');
  graph.output('audio_features', ['tokens', SOFT_TOKEN_WIDTH]);
  return graph.build('audio_encoder');
}

/** `input_ids`, `attention_mask` and the soft tokens of each kind → `sentence_embedding`, 1 × 768 of norm 1. */
export function textModel(precision: Precision, placeholders: Placeholders): Uint8Array {
  const { layers, width, inner, heads, perLayer, vocabulary, output } = TEXT;
  const graph = new Layers(precision);
  const ids = graph.input('input_ids', 'int64', ['batch', 'tokens']);
  graph.input('attention_mask', 'int64', ['batch', 'tokens']);
  // As bytes: a table of float32 would take half a gigabyte more than the published file.
  const bytes = graph.node('Gather', [graph.bytes([vocabulary, width]), ids], { axis: 0 });
  let x = graph.scaled(graph.node('Cast', [bytes], { to: 1 }), 1 / 128);
  for (const [kind, id] of Object.entries(placeholders)) {
    const features = graph.input(`${kind}_features`, 'float32', [`${kind}_tokens`, width]);
    const found = graph.node('NonZero', [graph.node('Equal', [ids, graph.integers([id])])]);
    x = graph.node('ScatterND', [x, graph.node('Transpose', [found], { perm: [1, 0] }), features]);
  }
  const signals = graph.outputs(layers, 'Split', [graph.linear(x, width, layers * perLayer)], { axis: 2 });
  for (let layer = 0; layer < layers; layer++) {
    const { head, keyHeads } = (layer + 1) % GLOBAL.every === 0 ? GLOBAL : LOCAL;
    const attended = graph.attention(graph.norm(x, width), { width, heads, head, keyHeads });
    x = graph.add(x, graph.norm(attended, width));
    x = graph.add(x, graph.norm(graph.gatedPerceptron(graph.norm(x, width), width, inner), width));
    const gate = graph.gelu(graph.linear(x, width, perLayer));
    const mixed = graph.linear(graph.multiply(gate, graph.norm(signals[layer]!, perLayer)), perLayer, width);
    x = graph.add(x, graph.norm(mixed, width));
  }
  const projected = graph.linear(graph.norm(x, width), width, output);
  const mean = graph.node('ReduceMean', [projected], { axes: [1], keepdims: 0 });
  graph.node('LpNormalization', [mean], { axis: -1, p: 2 }, 'sentence_embedding');
  graph.output('sentence_embedding', ['batch', output]);
  return graph.build('text');
}
