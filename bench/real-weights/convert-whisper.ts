/**
 * Converts a Whisper model of CTranslate2 to the ggml format of whisper.cpp.
 *
 *   node bench/real-weights/convert-whisper.ts FOLDER OUTPUT.bin
 *
 * FOLDER has `model.bin` and `vocabulary.txt`. Both formats hold the same numbers; weights stay 16-bit floats.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MelBands } from '../../src/encode/dsp/mel.ts';
import { FREQUENCIES, GgmlFile, MELS } from '../../test/support/ggml-file.ts';

/** Version of CTranslate2's binary format, and name of the kind of model. */
const FORMAT_VERSION = 6;
const MODEL_SPEC = 'WhisperSpec';
/** CTranslate2's codes of number types. */
const FLOAT32 = 0;
const FLOAT16 = 4;
/** Width of an attention head in all Whisper models. */
const HEAD_WIDTH = 64;
/** First special token of a Whisper vocabulary. whisper.cpp adds the special tokens itself. */
const FIRST_SPECIAL_TOKEN = '<|endoftext|>';

interface Variable {
  readonly shape: readonly number[];
  readonly type: number;
  readonly bytes: Uint8Array;
}

const [folder, output] = process.argv.slice(2);
if (!folder || !output) throw new Error('usage: node bench/real-weights/convert-whisper.ts FOLDER OUTPUT.bin');
convert(folder, output);

function convert(from: string, to: string): void {
  const variables = readVariables(readFileSync(join(from, 'model.bin')));
  const shapeOf = (name: string) => required(variables.get(name), name).shape as [number, number];
  const layersOf = (stack: string) =>
    Array.from(variables.keys()).filter((name) => new RegExp(`^${stack}/layer_\\d+/ffn/linear_0/weight$`).test(name))
      .length;
  const stackOf = (name: string) => {
    const [positions, width] = shapeOf(`${name}/position_encodings/encodings`);
    return { positions, width, heads: width / HEAD_WIDTH, layers: layersOf(name) };
  };
  const [encoder, decoder] = [stackOf('encoder'), stackOf('decoder')];
  using file = new GgmlFile(to);
  file.header({ vocabulary: shapeOf('decoder/embeddings/weight')[0], encoder, decoder });
  file.melFilters(melFilters());
  file.vocabulary(readVocabulary(join(from, 'vocabulary.txt')));

  const values = (name: string) => floatsOf(required(variables.get(name), name));
  /** Copies a variable, or rows of it. */
  const copy = (name: string, variable: string, rows?: readonly [from: number, to: number]) => {
    const { shape } = required(variables.get(variable), variable);
    const all = values(variable);
    const rowSize = all.length / shape[0]!;
    const [first, end] = rows ?? [0, shape[0]!];
    const own = [end - first, ...shape.slice(1)].toReversed();
    file.tensor(name, own, all.subarray(first * rowSize, end * rowSize));
  };
  const linear = (name: string, variable: string, rows?: readonly [number, number]) => {
    copy(`${name}.weight`, `${variable}/weight`, rows);
    if (!name.endsWith('.key')) copy(`${name}.bias`, `${variable}/bias`, rows);
  };
  const norm = (name: string, variable: string) => {
    copy(`${name}.weight`, `${variable}/gamma`);
    copy(`${name}.bias`, `${variable}/beta`);
  };
  const block = (name: string, layer: string, width: number) => {
    norm(`${name}.attn_ln`, `${layer}/self_attention/layer_norm`);
    // Queries, keys and values are one matrix, in that order.
    for (const [i, part] of ['query', 'key', 'value'].entries()) {
      linear(`${name}.attn.${part}`, `${layer}/self_attention/linear_0`, [i * width, (i + 1) * width]);
    }
    linear(`${name}.attn.out`, `${layer}/self_attention/linear_1`);
    norm(`${name}.mlp_ln`, `${layer}/ffn/layer_norm`);
    linear(`${name}.mlp.0`, `${layer}/ffn/linear_0`);
    linear(`${name}.mlp.2`, `${layer}/ffn/linear_1`);
  };

  copy('encoder.positional_embedding', 'encoder/position_encodings/encodings');
  for (const conv of ['conv1', 'conv2']) {
    copy(`encoder.${conv}.weight`, `encoder/${conv}/weight`);
    file.tensor(`encoder.${conv}.bias`, [1, encoder.width], values(`encoder/${conv}/bias`));
  }
  for (let i = 0; i < encoder.layers; i++) block(`encoder.blocks.${i}`, `encoder/layer_${i}`, encoder.width);
  norm('encoder.ln_post', 'encoder/layer_norm');
  copy('decoder.positional_embedding', 'decoder/position_encodings/encodings');
  copy('decoder.token_embedding.weight', 'decoder/embeddings/weight');
  for (let i = 0; i < decoder.layers; i++) {
    const [name, layer, { width }] = [`decoder.blocks.${i}`, `decoder/layer_${i}`, decoder];
    block(name, layer, width);
    norm(`${name}.cross_attn_ln`, `${layer}/attention/layer_norm`);
    linear(`${name}.cross_attn.query`, `${layer}/attention/linear_0`);
    linear(`${name}.cross_attn.key`, `${layer}/attention/linear_1`, [0, width]);
    linear(`${name}.cross_attn.value`, `${layer}/attention/linear_1`, [width, 2 * width]);
    linear(`${name}.cross_attn.out`, `${layer}/attention/linear_2`);
  }
  norm('decoder.ln', 'decoder/layer_norm');
}

/** Variables of CTranslate2's `model.bin`, by name. */
function readVariables(file: Buffer): Map<string, Variable> {
  let at = 0;
  const integer = (bytes: 1 | 2 | 4) => {
    at += bytes;
    return file.readUIntLE(at - bytes, bytes);
  };
  const take = (length: number) => {
    at += length;
    return file.subarray(at - length, at);
  };
  const text = () => take(integer(2)).toString('utf8').replace(/\0$/, '');
  const [version, spec] = [integer(4), text()];
  if (version !== FORMAT_VERSION || spec !== MODEL_SPEC) {
    throw new Error(
      `model.bin is ${spec} in version ${version} of the format, not ${MODEL_SPEC} in ${FORMAT_VERSION}.`,
    );
  }
  integer(4); // revision of the spec
  const count = integer(4);
  return new Map(
    Array.from({ length: count }, () => {
      const name = text();
      const shape = Array.from({ length: integer(1) }, () => integer(4));
      const type = integer(1);
      return [name, { shape, type, bytes: take(integer(4)) }];
    }),
  );
}

function floatsOf({ type, bytes }: Variable): Float32Array {
  const { buffer } = Uint8Array.from(bytes);
  if (type === FLOAT32) return new Float32Array(buffer);
  if (type === FLOAT16) return Float32Array.from(new Float16Array(buffer));
  throw new Error(`The model has numbers of type ${type}; only 16-bit and 32-bit floats can be converted.`);
}

/** Whisper's mel filters, bands × bins: Slaney's scale and area, to 8 kHz, of a transform of 400 samples at 16 kHz. */
function melFilters(): Float32Array {
  const fftSize = 2 * (FREQUENCIES - 1);
  const bands = new MelBands({
    count: MELS,
    lowHz: 0,
    highHz: 8000,
    fftSize,
    sampleRate: 16_000,
    scale: 'slaney',
    weights: 'slaney',
  });
  const filters = new Float32Array(MELS * FREQUENCIES);
  const column = new Float64Array(MELS);
  for (let bin = 0; bin < FREQUENCIES; bin++) {
    const impulse = new Float64Array(FREQUENCIES);
    impulse[bin] = 1;
    bands.apply(impulse, column, 0);
    for (let band = 0; band < MELS; band++) filters[band * FREQUENCIES + bin] = column[band]!;
  }
  return filters;
}

/** Bytes of the tokens before the first special one. */
function readVocabulary(path: string): Uint8Array[] {
  const tokens = readFileSync(path, 'utf8').split('\n');
  const end = tokens.indexOf(FIRST_SPECIAL_TOKEN);
  if (end < 0) throw new Error(`${path} has no ${FIRST_SPECIAL_TOKEN}.`);
  const byteOf = byteAlphabet();
  return tokens.slice(0, end).map((token) =>
    Uint8Array.from(token, (letter) => {
      const byte = byteOf.get(letter);
      if (byte === undefined) throw new Error(`${path} has "${letter}", which stands for no byte.`);
      return byte;
    }),
  );
}

/**
 * Bytes by the letters that stand for them in GPT-2's vocabulary: printable bytes for themselves, the others for the letters
 * from U+0100 on.
 */
function byteAlphabet(): Map<string, number> {
  const isPrintable = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  const alphabet = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) alphabet.set(String.fromCodePoint(isPrintable(byte) ? byte : next++), byte);
  return alphabet;
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`The model has no ${name}.`);
  return value;
}
