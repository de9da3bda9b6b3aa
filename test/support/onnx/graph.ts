import { randomFrom } from '../seeded-random.ts';
import { type Field, message } from './protobuf.ts';

/** Dimension of a shape: a number, or a name for one that is known only at run time. */
type Dimension = number | string;
type ElementType = 'float32' | 'int64' | 'bool';
type Attribute = number | readonly number[] | { readonly float: number };

const ELEMENT: Readonly<Record<ElementType, number>> = { float32: 1, int64: 7, bool: 9 };
/** Element type of bytes, which only weights have. */
const UINT8 = 2;
const OPSET = 17;
/** Operators of onnxruntime beyond the standard. */
const CONTRIB = { domain: 'com.microsoft', version: 1 };
/** Version of the file format for this opset. */
const IR_VERSION = 8;

/**
 * Builds an ONNX graph node by node (https://onnx.ai/onnx/repo-docs/IR.html, onnx.proto). Weights are drawn from a
 * generator of its own with a fixed seed: the same calls give the same bytes.
 */
export class GraphBuilder {
  readonly #fields: Field[] = [];
  readonly #random: () => number;
  #count = 0;
  #usesContrib = false;

  constructor(seed = 1) {
    this.#random = randomFrom(seed);
  }

  input(name: string, type: ElementType, dims: readonly Dimension[]): string {
    this.#fields.push([11, valueInfo(name, type, dims)]);
    return name;
  }

  output(name: string, dims: readonly Dimension[]): void {
    this.#fields.push([12, valueInfo(name, 'float32', dims)]);
  }

  /** Adds a node. @returns the name of its output: `output` if given */
  node(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output = `t${this.#count++}`,
  ): string {
    this.#add(type, inputs, attributes, [output]);
    return output;
  }

  /** Adds a node of several outputs. @returns their names */
  outputs(
    count: number,
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string[] {
    const names = Array.from({ length: count }, () => `t${this.#count++}`);
    this.#add(type, inputs, attributes, names);
    return names;
  }

  /** Adds a node of an operator that only onnxruntime has. @returns the name of its output */
  contrib(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    this.#usesContrib = true;
    const output = `t${this.#count++}`;
    this.#add(type, inputs, attributes, [output], [[7, CONTRIB.domain]]);
    return output;
  }

  #add(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: readonly string[],
    rest: readonly Field[] = [],
  ): void {
    this.#fields.push([
      1,
      message([
        ...inputs.map((name): Field => [1, name]),
        ...outputs.map((name): Field => [2, name]),
        [4, type],
        ...Object.entries(attributes).map(([name, value]): Field => [5, attribute(name, value)]),
        ...rest,
      ]),
    ]);
  }

  /** Adds random bytes, as for quantised weights. @returns the name */
  bytes(dims: readonly number[]): string {
    const data = new Uint8Array(Math.ceil(product(dims) / 4) * 4);
    const words = new Uint32Array(data.buffer);
    for (let i = 0; i < words.length; i++) words[i] = this.#random() * 2 ** 32;
    return this.constant(dims, data.subarray(0, product(dims)));
  }

  /** Adds uniform weights of ±√(3 / fanIn), which preserve the variance of their input. @returns the name */
  weights(dims: readonly number[], fanIn: number): string {
    const limit = Math.sqrt(3 / fanIn);
    return this.constant(
      dims,
      Float32Array.from({ length: product(dims) }, () => (2 * this.#random() - 1) * limit),
    );
  }

  constant(dims: readonly number[], data: Float32Array | BigInt64Array | Uint8Array): string {
    const name = `w${this.#count++}`;
    const type = data instanceof Float32Array ? ELEMENT.float32 : data instanceof Uint8Array ? UINT8 : ELEMENT.int64;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#fields.push([5, message([...dims.map((d): Field => [1, d]), [2, type], [8, name], [9, bytes]])]);
    return name;
  }

  fill(dims: readonly number[], value: number): string {
    return this.constant(dims, new Float32Array(product(dims)).fill(value));
  }

  integers(values: readonly number[]): string {
    return this.constant([values.length], BigInt64Array.from(values, BigInt));
  }

  /** Serializes the model. */
  build(name: string): Uint8Array {
    return message([
      [1, IR_VERSION],
      [2, 'reelvec'],
      [7, message([[2, name], ...this.#fields])],
      [8, opset('', OPSET)],
      ...(this.#usesContrib ? [[8, opset(CONTRIB.domain, CONTRIB.version)] as const] : []),
    ]);
  }
}

function opset(domain: string, version: number): Uint8Array {
  return message([
    [1, domain],
    [2, version],
  ]);
}

function valueInfo(name: string, type: ElementType, dims: readonly Dimension[]): Uint8Array {
  const shape = message(dims.map((d): Field => [1, message([typeof d === 'number' ? [1, d] : [2, d]])]));
  return message([
    [1, name],
    [
      2,
      message([
        [
          1,
          message([
            [1, ELEMENT[type]],
            [2, shape],
          ]),
        ],
      ]),
    ],
  ]);
}

function attribute(name: string, value: Attribute): Uint8Array {
  if (typeof value === 'number')
    return message([
      [1, name],
      [3, value],
      [20, 2],
    ]);
  if ('float' in value)
    return message([
      [1, name],
      [2, value],
      [20, 1],
    ]);
  return message([[1, name], ...value.map((each): Field => [8, each]), [20, 7]]);
}

function product(dims: readonly number[]): number {
  return dims.reduce((all, each) => all * each, 1);
}
