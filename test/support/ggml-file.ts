import { closeSync, openSync, writeSync } from 'node:fs';

/** First four bytes of a ggml file, little-endian. */
const MAGIC = 0x67676d6c;
/** Mel bands of Whisper's input, and bins of its spectrum. */
export const MELS = 80;
export const FREQUENCIES = 201;
/** Storage of values: 32-bit or 16-bit floats. */
const SINGLE = 0;
const HALF = 1;

/** Size of the encoder or the decoder of a Whisper model. */
interface StackSize {
  readonly positions: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
}

/**
 * Writer of Whisper models for whisper.cpp (https://github.com/ggml-org/whisper.cpp, `convert-pt-to-ggml.py`): a header, the
 * mel filters, the vocabulary, then the tensors. Values are little-endian; weights are 16-bit floats, and the operands of
 * element-wise operations 32-bit floats.
 */
export class GgmlFile implements Disposable {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  /** @param vocabulary number of tokens, special tokens included */
  header({ vocabulary, encoder, decoder }: { vocabulary: number; encoder: StackSize; decoder: StackSize }): void {
    const sizes = [encoder, decoder].flatMap(({ positions, width, heads, layers }) => [
      positions,
      width,
      heads,
      layers,
    ]);
    this.#integers(MAGIC, vocabulary, ...sizes, MELS, HALF);
  }

  /** @param filters bands × bins */
  melFilters(filters: Float32Array): void {
    this.#integers(MELS, FREQUENCIES);
    this.#write(filters);
  }

  /** @param tokens bytes of each token; special tokens can be left out at the end */
  vocabulary(tokens: readonly Uint8Array[]): void {
    this.#integers(tokens.length);
    for (const bytes of tokens) {
      this.#integers(bytes.length);
      this.#write(bytes);
    }
  }

  /**
   * @param shape fastest dimension first
   * @param values default: zeros
   */
  tensor(name: string, shape: readonly number[], values?: Float32Array): void {
    const bytes = new TextEncoder().encode(name);
    const isWeight = shape.length > 1 && name.endsWith('weight');
    this.#integers(shape.length, bytes.length, isWeight ? HALF : SINGLE, ...shape);
    this.#write(bytes);
    const length = shape.reduce((product, extent) => product * extent, 1);
    if (!isWeight) this.#write(values ?? new Float32Array(length));
    else this.#write(values ? new Float16Array(values) : new Float16Array(length));
  }

  #integers(...values: number[]): void {
    this.#write(Int32Array.from(values));
  }

  #write({ buffer, byteOffset, byteLength }: ArrayBufferView): void {
    for (let at = 0; at < byteLength; ) {
      at += writeSync(this.#file, new Uint8Array(buffer, byteOffset + at, byteLength - at));
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
