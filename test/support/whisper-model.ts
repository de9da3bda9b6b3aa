import { writeFileSync } from 'node:fs';

/**
 * A Whisper model without training: whatever it hears, it says the same lines over and over. Its layers are zero but
 * for one, in which each unit knows one token and answers with the token that comes next.
 */
export interface Line {
  /** Seconds from where the lines begin. */
  readonly startSec: number;
  readonly endSec: number;
  /** Each at one place only, in all lines. A bar parts a word into tokens: `trans|cribe`. */
  readonly words: readonly string[];
}

/** Sizes and tokens of the multilingual Whisper models (OpenAI, 2022), which whisper.cpp takes for granted. */
const VOCABULARY = 51865;
const TEXT_PLACES = 448;
const MELS = 80;
const FREQUENCIES = 201;
const END = 50257;
const START = 50258;
const ENGLISH = 50259;
const TRANSCRIBE = 50359;
const FIRST_TIME = 50364;
/** Seconds between two time tokens. */
const TIME_SEC = 0.02;

/** Of 1500: what is not heard need not be looked at. */
const AUDIO_PLACES = 16;
/** Enough that 51,865 random directions are well apart. */
const WIDTH = 128;
/** Units of the layer that knows what comes next. */
const UNITS = 4 * WIDTH;
/** Between the product of a token's direction with itself, `WIDTH`, and the greatest with any other. */
const THRESHOLD = 0.75 * WIDTH;

/** How values are stored: as 32-bit or 16-bit floats. */
const SINGLE = 0;
const HALF = 1;

/** Writes the model as a file of whisper.cpp (https://github.com/ggml-org/whisper.cpp, `convert-pt-to-ggml.py`). */
export function writeWhisperModel(path: string, lines: readonly Line[]): string {
  const tokensOf = ({ words }: Line) => words.flatMap((word) => ` ${word}`.split('|'));
  // whisper.cpp looks up the blank, to keep it from being said first
  const vocabulary = [' ', ...lines.flatMap(tokensOf)];
  const said = lines.flatMap((line) => [
    timeToken(line.startSec),
    ...tokensOf(line).map((token) => vocabulary.indexOf(token)),
    timeToken(line.endSec),
  ]);
  const file = new GgmlFile();
  file.integers(0x67676d6c, VOCABULARY, AUDIO_PLACES, WIDTH, 1, 1, TEXT_PLACES, WIDTH, 1, 1, MELS, HALF);
  file.integers(MELS, FREQUENCIES);
  file.floats(new Float32Array(MELS * FREQUENCIES).fill(0.01));
  file.integers(vocabulary.length);
  for (const token of vocabulary) file.text(token);
  for (const tensor of encoderTensors()) file.tensor(...tensor);
  for (const tensor of decoderTensors(said)) file.tensor(...tensor);
  writeFileSync(path, file.bytes());
  return path;
}

function timeToken(sec: number): number {
  return FIRST_TIME + Math.round(sec / TIME_SEC);
}

/** Name and shape, the fastest dimension first; values where they are not 0. */
type Tensor = [name: string, shape: number[], values?: Float32Array];

function* encoderTensors(): Generator<Tensor> {
  yield ['encoder.positional_embedding', [WIDTH, AUDIO_PLACES]];
  yield ['encoder.conv1.weight', [3, MELS, WIDTH]];
  yield ['encoder.conv1.bias', [1, WIDTH]];
  yield ['encoder.conv2.weight', [3, WIDTH, WIDTH]];
  yield ['encoder.conv2.bias', [1, WIDTH]];
  yield* norm('encoder.ln_post');
  yield* block('encoder.blocks.0', ['attn']);
}

function* decoderTensors(said: readonly number[]): Generator<Tensor> {
  const directions = randomSigns(VOCABULARY * WIDTH);
  const directionOf = (token: number) => directions.subarray(token * WIDTH, (token + 1) * WIDTH);
  const knows = new Float32Array(UNITS * WIDTH);
  const answers = new Float32Array(WIDTH * UNITS);
  /** Of several answers, the strongest that Whisper's rules allow is said. */
  const learn = (unit: number, token: number, next: readonly { token: number; strength: number }[]) => {
    knows.set(directionOf(token), unit * WIDTH);
    for (const { token: answer, strength } of next) {
      directionOf(answer).forEach((value, i) => {
        answers[i * UNITS + unit]! += strength * value;
      });
    }
  };
  const course = [TRANSCRIBE, ...said];
  const last = said.at(-1)!;
  for (let i = 0; i < course.length - 1; i++) learn(i, course[i]!, [{ token: course[i + 1]!, strength: 1 }]);
  // A last time that is said twice is where Whisper goes on to listen; a third is against its rules.
  const lastAnswers = [
    { token: last, strength: 1.2 },
    { token: END, strength: 1 },
  ];
  learn(course.length - 1, last, lastAnswers);
  learn(course.length, START, [{ token: ENGLISH, strength: 1 }]);
  yield ['decoder.positional_embedding', [WIDTH, TEXT_PLACES]];
  yield ['decoder.token_embedding.weight', [WIDTH, VOCABULARY], directions];
  yield* norm('decoder.ln');
  yield* block('decoder.blocks.0', ['attn', 'cross_attn'], { knows, answers });
}

function* norm(name: string): Generator<Tensor> {
  yield [`${name}.weight`, [WIDTH], new Float32Array(WIDTH).fill(1)];
  yield [`${name}.bias`, [WIDTH]];
}

function* block(
  name: string,
  attentions: readonly string[],
  layer?: { knows: Float32Array; answers: Float32Array },
): Generator<Tensor> {
  yield* norm(`${name}.mlp_ln`);
  yield [`${name}.mlp.0.weight`, [WIDTH, UNITS], layer?.knows];
  yield [`${name}.mlp.0.bias`, [UNITS], new Float32Array(UNITS).fill(-THRESHOLD)];
  yield [`${name}.mlp.2.weight`, [UNITS, WIDTH], layer?.answers];
  yield [`${name}.mlp.2.bias`, [WIDTH]];
  for (const attention of attentions) {
    yield* norm(`${name}.${attention}_ln`);
    for (const part of ['query', 'key', 'value', 'out']) {
      yield [`${name}.${attention}.${part}.weight`, [WIDTH, WIDTH]];
      if (part !== 'key') yield [`${name}.${attention}.${part}.bias`, [WIDTH]];
    }
  }
}

/** −1 and 1, the same on every run: the upper half of the range of Park & Miller's generator (1988), and the lower. */
function randomSigns(count: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 0x7fffffff;
    return state > 0x3fffffff ? 1 : -1;
  });
}

/** Everything little-endian. Weights are 16-bit floats; what is added or multiplied value by value is 32-bit. */
class GgmlFile {
  readonly #parts: Uint8Array[] = [];

  integers(...values: number[]): void {
    this.#parts.push(new Uint8Array(Int32Array.from(values).buffer));
  }

  floats(values: Float32Array): void {
    this.#parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.integers(bytes.length);
    this.#parts.push(bytes);
  }

  tensor(name: string, shape: readonly number[], values?: Float32Array): void {
    const bytes = new TextEncoder().encode(name);
    const isWeight = shape.length > 1 && name.endsWith('weight');
    this.integers(shape.length, bytes.length, isWeight ? HALF : SINGLE, ...shape);
    this.#parts.push(bytes);
    const length = shape.reduce((product, extent) => product * extent, 1);
    if (!isWeight) this.floats(values ?? new Float32Array(length));
    else this.#parts.push(new Uint8Array((values ? new Float16Array(values) : new Float16Array(length)).buffer));
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}
