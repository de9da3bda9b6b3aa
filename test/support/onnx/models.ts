import { GraphBuilder } from './graph.ts';

/** Graphs with the interfaces and the work of real models, and with random weights: their results have no meaning. */

export interface VisionSize {
  /** Side of the picture in pixels; `patch` is that of a patch. */
  readonly image: number;
  readonly patch: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Fixed batch size. Default: any. */
  readonly batch?: number;
}

/** Name and width of a graph's output. */
interface Output {
  readonly name: string;
  readonly width: number;
}

/** As CLIP's ViT-B/16 (Radford et al. 2021): 86 million weights, 35 GFLOP per picture. */
export const VIT_B_16: VisionSize = { image: 224, patch: 16, width: 768, layers: 12, heads: 12 };
/** Smallest size for tests that has every operation of the large one. */
export const TINY_VIT: VisionSize = { image: 32, patch: 8, width: 64, layers: 2, heads: 2 };

/** A vision transformer: `pixel_values` batch × 3 × image × image → `image_embeds` batch × 512, or another output. */
export function visionModel(
  { image, patch, width, layers, heads, batch }: VisionSize,
  seed = 1,
  output: Output = { name: 'image_embeds', width: 512 },
): Uint8Array {
  const graph = new GraphBuilder(seed);
  const side = image / patch;
  const tokens = side * side + 1;
  const pixels = graph.input('pixel_values', 'float32', [batch ?? 'batch', 3, image, image]);
  const embedded = graph.node('Conv', [pixels, graph.weights([width, 3, patch, patch], 3 * patch * patch)], {
    kernel_shape: [patch, patch],
    strides: [patch, patch],
  });
  const columns = graph.node('Reshape', [embedded, graph.integers([0, width, side * side])]);
  const patches = graph.node('Transpose', [columns], { perm: [0, 2, 1] });
  // The class token has no input: multiplying an input by zero gives it the batch size.
  const none = graph.node('Mul', [graph.node('ReduceMean', [patches], { axes: [1], keepdims: 1 }), graph.fill([1], 0)]);
  const first = graph.node('Add', [none, graph.weights([1, 1, width], 1)]);
  const sequence = graph.node('Concat', [first, patches], { axis: 1 });
  let x = norm(graph, graph.node('Add', [sequence, graph.weights([1, tokens, width], width)]), width);
  for (let layer = 0; layer < layers; layer++) {
    const attended = attention(graph, norm(graph, x, width), { width, heads, tokens });
    x = graph.node('Add', [x, attended]);
    x = graph.node('Add', [x, perceptron(graph, norm(graph, x, width), width)]);
  }
  const token = graph.node('Gather', [x, graph.constant([], BigInt64Array.of(0n))], { axis: 1 });
  graph.node('MatMul', [norm(graph, token, width), graph.weights([width, output.width], width)], {}, output.name);
  graph.output(output.name, [batch ?? 'batch', output.width]);
  return graph.build('vision');
}

/** Sound in mel bands: `input_features` batch × 1 × frames × bands → `audio_embeds` batch × 512, or another output. */
export function audioModel(
  { bands }: { bands: number },
  seed = 2,
  output: Output = { name: 'audio_embeds', width: 512 },
): Uint8Array {
  const graph = new GraphBuilder(seed);
  const features = graph.input('input_features', 'float32', ['batch', 1, 'frames', bands]);
  const frames = graph.node('Reshape', [features, graph.integers([0, -1, bands])]);
  const scaled = graph.node('Mul', [frames, graph.fill([1], 0.02)]);
  const hidden = graph.node('Tanh', [graph.node('MatMul', [scaled, graph.weights([bands, 256], bands)])]);
  const mean = graph.node('ReduceMean', [hidden], { axes: [1], keepdims: 0 });
  graph.node('MatMul', [mean, graph.weights([256, output.width], 256)], {}, output.name);
  graph.output(output.name, ['batch', output.width]);
  return graph.build('audio');
}

/** A linear layer: `input` batch × from → `output` batch × to. */
export function projectionModel({ from, to }: { from: number; to: number }, seed = 5): Uint8Array {
  const graph = new GraphBuilder(seed);
  const input = graph.input('input', 'float32', ['batch', from]);
  graph.node('MatMul', [input, graph.weights([from, to], from)], {}, 'output');
  graph.output('output', ['batch', to]);
  return graph.build('projection');
}

/**
 * Text: `input_ids`, `attention_mask` batch × tokens → `last_hidden_state` batch × tokens × width, or, with `pooled`,
 * `text_embeds`, or an output of another name, batch × width.
 */
export function textModel(
  {
    vocabulary,
    width = 512,
    pooled = false,
    name = 'text_embeds',
  }: { vocabulary: number; width?: number; pooled?: boolean; name?: string },
  seed = 3,
): Uint8Array {
  const graph = new GraphBuilder(seed);
  const ids = graph.input('input_ids', 'int64', ['batch', 'tokens']);
  const mask = graph.input('attention_mask', 'int64', ['batch', 'tokens']);
  const table = graph.weights([vocabulary, width], 1);
  const counted = graph.node('Unsqueeze', [graph.node('Cast', [mask], { to: 1 }), graph.integers([2])]);
  const tokens = graph.node('Mul', [graph.node('Gather', [table, ids], { axis: 0 }), counted]);
  const mixed = graph.node('Add', [
    tokens,
    graph.node('ReduceMean', [tokens], { axes: [1], keepdims: 1 }), // Makes a token depend on the others.
  ]);
  const weights = graph.weights([width, width], width);
  if (pooled) {
    const sum = graph.node('ReduceSum', [graph.node('Tanh', [mixed]), graph.integers([1])], { keepdims: 0 });
    graph.node('MatMul', [sum, weights], {}, name);
    graph.output(name, ['batch', width]);
  } else {
    graph.node('MatMul', [mixed, weights], {}, 'last_hidden_state');
    graph.output('last_hidden_state', ['batch', 'tokens', width]);
  }
  return graph.build('text');
}

/** As the text side of CLIP's ViT-B/16 (Radford et al. 2021): 63 million weights, 6 GFLOP per text. */
const CLIP_TEXT = { vocabulary: 49_408, tokens: 77, width: 512, layers: 12, heads: 8 };

/**
 * A text transformer of CLIP's size: `input_ids` batch × 77 → `text_embeds` batch × 512. Unlike CLIP's, its tokens attend
 * to later ones too, which takes the same work.
 */
export function clipTextModel(seed = 4): Uint8Array {
  const { vocabulary, tokens, width, layers, heads } = CLIP_TEXT;
  const graph = new GraphBuilder(seed);
  const ids = graph.input('input_ids', 'int64', ['batch', tokens]);
  const embedded = graph.node('Gather', [graph.weights([vocabulary, width], width), ids], { axis: 0 });
  let x = graph.node('Add', [embedded, graph.weights([1, tokens, width], width)]);
  for (let layer = 0; layer < layers; layer++) {
    x = graph.node('Add', [x, attention(graph, norm(graph, x, width), { width, heads, tokens })]);
    x = graph.node('Add', [x, perceptron(graph, norm(graph, x, width), width)]);
  }
  const mean = graph.node('ReduceMean', [norm(graph, x, width)], { axes: [1], keepdims: 0 });
  graph.node('MatMul', [mean, graph.weights([width, 512], width)], {}, 'text_embeds');
  graph.output('text_embeds', ['batch', 512]);
  return graph.build('clip-text');
}

function norm(graph: GraphBuilder, x: string, width: number): string {
  return graph.node('LayerNormalization', [x, graph.fill([width], 1), graph.fill([width], 0)], {
    axis: -1,
    epsilon: { float: 1e-5 },
  });
}

function dense(graph: GraphBuilder, x: string, [from, to]: readonly [number, number]): string {
  return graph.node('Add', [graph.node('MatMul', [x, graph.weights([from, to], from)]), graph.weights([to], to)]);
}

/** Softmax(q·kᵀ/√d)·v for each head. */
function attention(
  graph: GraphBuilder,
  x: string,
  { width, heads, tokens }: { width: number; heads: number; tokens: number },
): string {
  const size = width / heads;
  const shape = graph.integers([0, tokens, heads, size]);
  const part = (perm: number[]) =>
    graph.node('Transpose', [graph.node('Reshape', [dense(graph, x, [width, width]), shape])], { perm });
  const queries = part([0, 2, 1, 3]);
  const keys = part([0, 2, 3, 1]);
  const values = part([0, 2, 1, 3]);
  const scores = graph.node('Mul', [graph.node('MatMul', [queries, keys]), graph.fill([1], 1 / Math.sqrt(size))]);
  const mixed = graph.node('MatMul', [graph.node('Softmax', [scores], { axis: -1 }), values]);
  const joined = graph.node('Reshape', [
    graph.node('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
    graph.integers([0, tokens, width]),
  ]);
  return dense(graph, joined, [width, width]);
}

/** Two layers with CLIP's quick GELU, x · sigmoid(1.702 x), between them. */
function perceptron(graph: GraphBuilder, x: string, width: number): string {
  const wide = dense(graph, x, [width, 4 * width]);
  const gate = graph.node('Sigmoid', [graph.node('Mul', [wide, graph.fill([1], 1.702)])]);
  return dense(graph, graph.node('Mul', [wide, gate]), [4 * width, width]);
}
