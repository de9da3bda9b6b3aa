import { GraphBuilder } from './graph.ts';

/** Graphs with random weights and the interfaces of a model that takes pictures and sound as soft tokens. */

export interface MultimodalSize {
  /** Length of a soft token's vector. */
  readonly width: number;
  readonly vocabulary: number;
  /** Ids of the placeholders. */
  readonly placeholders: { readonly image: number; readonly video: number; readonly audio: number };
  /** Pixels of a side of a patch. */
  readonly patch: number;
  /** Patches of a side of the square that becomes one soft token. */
  readonly pool: number;
  /** Mel bands of a frame. */
  readonly bands: number;
  readonly framesPerToken: number;
}

/**
 * `pixel_values` pictures × patches × values, `pixel_position_ids` pictures × patches × 2 → `image_features`, the soft
 * tokens of all pictures in one list. Padding has the position −1 and gives none.
 */
export function pictureTokensModel({ width, patch, pool }: MultimodalSize, seed = 11): Uint8Array {
  const graph = new GraphBuilder(seed);
  const values = 3 * patch ** 2;
  const pixels = graph.input('pixel_values', 'float32', ['pictures', 'patches', values]);
  const positions = graph.input('pixel_position_ids', 'int64', ['pictures', 'patches', 2]);
  const hidden = graph.node('Tanh', [graph.node('MatMul', [pixels, graph.weights([values, width], values / 16)])]);
  const byValue = graph.node('Transpose', [hidden], { perm: [0, 2, 1] });
  const mean = graph.node('Transpose', [graph.node('ReduceMean', [byValue], { axes: [2], keepdims: 1 })], {
    perm: [0, 2, 1],
  });
  const mixed = graph.node('Add', [hidden, mean]); // so that a token depends on the whole picture
  // The remainder of −1 is not 0, so that padding is no corner.
  const isCorner = (axis: number) => {
    const at = graph.node('Gather', [positions, graph.constant([], BigInt64Array.of(BigInt(axis)))], { axis: 2 });
    return graph.node('Equal', [graph.node('Mod', [at, graph.integers([pool])]), graph.integers([0])]);
  };
  const corners = graph.node('NonZero', [graph.node('And', [isCorner(0), isCorner(1)])]);
  graph.node('GatherND', [mixed, graph.node('Transpose', [corners], { perm: [1, 0] })], {}, 'image_features');
  graph.output('image_features', ['tokens', width]);
  return graph.build('vision_encoder');
}

/** `input_features` sounds × frames × bands, `input_features_mask` sounds × frames → `audio_features`, a token per few frames that hold. */
export function soundTokensModel({ width, bands, framesPerToken }: MultimodalSize, seed = 12): Uint8Array {
  const graph = new GraphBuilder(seed);
  const features = graph.input('input_features', 'float32', ['sounds', 'frames', bands]);
  const mask = graph.input('input_features_mask', 'bool', ['sounds', 'frames']);
  const scaled = graph.node('Mul', [features, graph.fill([1], 0.2)]);
  const hidden = graph.node('Tanh', [graph.node('MatMul', [scaled, graph.weights([bands, width], bands)])]);
  const whole = graph.node('NonZero', [mask]);
  const chosen = graph.node('Slice', [
    whole,
    graph.integers([0]),
    graph.integers([2 ** 31]),
    graph.integers([1]),
    graph.integers([framesPerToken]),
  ]);
  graph.node('GatherND', [hidden, graph.node('Transpose', [chosen], { perm: [1, 0] })], {}, 'audio_features');
  graph.output('audio_features', ['tokens', width]);
  return graph.build('audio_encoder');
}

/**
 * `input_ids`, `attention_mask` 1 × tokens, and the soft tokens of each kind of media, tokens × width →
 * `last_hidden_state` and `sentence_embedding`, 1 × 768 of norm 1. Fails if the soft tokens of a kind are not as many as
 * its placeholders. The order of the tokens matters.
 */
export function multimodalTextModel({ width, vocabulary, placeholders }: MultimodalSize, seed = 13): Uint8Array {
  const graph = new GraphBuilder(seed);
  const ids = graph.input('input_ids', 'int64', ['batch', 'tokens']);
  const mask = graph.input('attention_mask', 'int64', ['batch', 'tokens']);
  let x = graph.node('Gather', [graph.weights([vocabulary, width], 1), ids], { axis: 0 });
  for (const [kind, id] of [
    ['image', placeholders.image],
    ['video', placeholders.video],
    ['audio', placeholders.audio],
  ] as const) {
    const features = graph.input(`${kind}_features`, 'float32', [`${kind}_tokens`, width]);
    const found = graph.node('NonZero', [graph.node('Equal', [ids, graph.integers([id])])]);
    x = graph.node('ScatterND', [x, graph.node('Transpose', [found], { perm: [1, 0] }), features]);
  }
  const held = graph.node('Cast', [mask], { to: 1 });
  const place = graph.node('CumSum', [held, graph.constant([], BigInt64Array.of(1n))]);
  const wave = graph.node('Unsqueeze', [graph.node('Sin', [place]), graph.integers([2])]);
  x = graph.node('Add', [x, graph.node('Mul', [x, wave])]);
  x = graph.node('Tanh', [graph.node('Add', [x, graph.node('ReduceMean', [x], { axes: [1], keepdims: 1 })])]);
  const out = graph.node('MatMul', [x, graph.weights([width, 768], width)], {}, 'last_hidden_state');
  const mean = graph.node('ReduceMean', [out], { axes: [1], keepdims: 0 });
  graph.node('LpNormalization', [mean], { axis: -1, p: 2 }, 'sentence_embedding');
  graph.output('last_hidden_state', ['batch', 'tokens', 768]);
  graph.output('sentence_embedding', ['batch', 768]);
  return graph.build('multimodal');
}
