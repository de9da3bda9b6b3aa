import { FREQUENCIES, GgmlFile, MELS } from './ggml-file.ts';

/**
 * Untrained Whisper model that returns the same lines for any audio, over and over. All of its layers are zero but one, in
 * which each unit recognises one token and outputs the next.
 */
export interface Line {
  /** Seconds from the start of the lines. */
  readonly startSec: number;
  readonly endSec: number;
  /** Words, each unique in all lines. A bar splits a word into tokens: `trans|cribe`. */
  readonly words: readonly string[];
}

/** Sizes and tokens of the multilingual Whisper models (OpenAI, 2022), as whisper.cpp expects them. */
const VOCABULARY = 51865;
const TEXT_PLACES = 448;

const END = 50257;
const START = 50258;
const ENGLISH = 50259;
const TRANSCRIBE = 50359;
const FIRST_TIME = 50364;
/** Seconds between two time tokens. */
const TIME_SEC = 0.02;

/** Size of a model, which does not affect its output. */
export interface WhisperSize {
  /** Enough that 51,865 random directions are well apart. */
  readonly width: number;
  readonly heads: number;
  /** Layers of the encoder, and of the decoder. */
  readonly layers: number;
  /** Positions of the encoder; 1500 in real models. Fewer suffice, because the audio is ignored. */
  readonly audioPlaces: number;
}

const SMALLEST: WhisperSize = { width: 128, heads: 1, layers: 1, audioPlaces: 16 };

/** Writes the model as a file of whisper.cpp (https://github.com/ggml-org/whisper.cpp, `convert-pt-to-ggml.py`). */
export function writeWhisperModel(path: string, lines: readonly Line[], size = SMALLEST): string {
  const tokensOf = ({ words }: Line) => words.flatMap((word) => ` ${word}`.split('|'));
  // whisper.cpp looks up the blank, which it suppresses at the start.
  const vocabulary = [' ', ...lines.flatMap(tokensOf)];
  const said = lines.flatMap((line) => [
    timeToken(line.startSec),
    ...tokensOf(line).map((token) => vocabulary.indexOf(token)),
    timeToken(line.endSec),
  ]);
  const { width, heads, layers, audioPlaces } = size;
  using file = new GgmlFile(path);
  const encoder = { positions: audioPlaces, width, heads, layers };
  file.header({ vocabulary: VOCABULARY, encoder, decoder: { ...encoder, positions: TEXT_PLACES } });
  file.melFilters(new Float32Array(MELS * FREQUENCIES).fill(0.01));
  file.vocabulary(vocabulary.map((token) => new TextEncoder().encode(token)));
  for (const tensor of encoderTensors(size)) file.tensor(...tensor);
  for (const tensor of decoderTensors(said, size)) file.tensor(...tensor);
  return path;
}

function timeToken(sec: number): number {
  return FIRST_TIME + Math.round(sec / TIME_SEC);
}

/** Tensor: name, shape with the fastest dimension first, and non-zero values. */
type Tensor = [name: string, shape: number[], values?: Float32Array];

function* encoderTensors({ width, layers, audioPlaces }: WhisperSize): Generator<Tensor> {
  yield ['encoder.positional_embedding', [width, audioPlaces]];
  yield ['encoder.conv1.weight', [3, MELS, width]];
  yield ['encoder.conv1.bias', [1, width]];
  yield ['encoder.conv2.weight', [3, width, width]];
  yield ['encoder.conv2.bias', [1, width]];
  yield* norm('encoder.ln_post', width);
  for (let layer = 0; layer < layers; layer++) yield* block(`encoder.blocks.${layer}`, ['attn'], width);
}

function* decoderTensors(said: readonly number[], { width, layers }: WhisperSize): Generator<Tensor> {
  const units = 4 * width;
  const directions = randomSigns(VOCABULARY * width);
  const directionOf = (token: number) => directions.subarray(token * width, (token + 1) * width);
  const knows = new Float32Array(units * width);
  const answers = new Float32Array(width * units);
  /** Of several candidates, the strongest that Whisper's rules allow is output. */
  const learn = (unit: number, token: number, next: readonly { token: number; strength: number }[]) => {
    knows.set(directionOf(token), unit * width);
    for (const { token: answer, strength } of next) {
      directionOf(answer).forEach((value, i) => {
        answers[i * units + unit]! += strength * value;
      });
    }
  };
  const course = [TRANSCRIBE, ...said];
  const last = said.at(-1)!;
  for (let i = 0; i < course.length - 1; i++) learn(i, course[i]!, [{ token: course[i + 1]!, strength: 1 }]);
  // A repeated last time token makes Whisper continue from that time; its rules forbid a third.
  const lastAnswers = [
    { token: last, strength: 1.2 },
    { token: END, strength: 1 },
  ];
  learn(course.length - 1, last, lastAnswers);
  learn(course.length, START, [{ token: ENGLISH, strength: 1 }]);
  yield ['decoder.positional_embedding', [width, TEXT_PLACES]];
  yield ['decoder.token_embedding.weight', [width, VOCABULARY], directions];
  yield* norm('decoder.ln', width);
  for (let layer = 0; layer < layers; layer++) {
    // The first answers; the others add nothing.
    const weights = layer === 0 ? { knows, answers } : undefined;
    yield* block(`decoder.blocks.${layer}`, ['attn', 'cross_attn'], width, weights);
  }
}

function* norm(name: string, width: number): Generator<Tensor> {
  yield [`${name}.weight`, [width], new Float32Array(width).fill(1)];
  yield [`${name}.bias`, [width]];
}

function* block(
  name: string,
  attentions: readonly string[],
  width: number,
  layer?: { knows: Float32Array; answers: Float32Array },
): Generator<Tensor> {
  const units = 4 * width;
  // Between a token direction's product with itself, which is the width, and its greatest with another.
  const bias = new Float32Array(units).fill(-0.75 * width);
  yield* norm(`${name}.mlp_ln`, width);
  yield [`${name}.mlp.0.weight`, [width, units], layer?.knows];
  yield [`${name}.mlp.0.bias`, [units], bias];
  yield [`${name}.mlp.2.weight`, [units, width], layer?.answers];
  yield [`${name}.mlp.2.bias`, [width]];
  for (const attention of attentions) {
    yield* norm(`${name}.${attention}_ln`, width);
    for (const part of ['query', 'key', 'value', 'out']) {
      yield [`${name}.${attention}.${part}.weight`, [width, width]];
      if (part !== 'key') yield [`${name}.${attention}.${part}.bias`, [width]];
    }
  }
}

/** Reproducible random signs, −1 or 1, by the halves of the range of Park & Miller's generator (1988). */
function randomSigns(count: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 0x7fffffff;
    return state > 0x3fffffff ? 1 : -1;
  });
}
