import { ProtocolFault } from '../remote/protocol-fault.ts';
import type { Tensor } from '../tensors/tensor.ts';

/** Path of the readiness check. */
export const HEALTH_PATH = 'v2/health/ready';

/**
 * Header field with the length of the JSON part of a body, in bytes.
 *
 * Bodies follow the Open Inference Protocol v2 over HTTP (https://github.com/kserve/open-inference-protocol) with the
 * binary tensor extension
 * (https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md): a JSON part,
 * then the bytes of the tensors in the order of the JSON part, little-endian.
 */
export const HEADER_LENGTH = 'inference-header-content-length';

/** Metadata of a model's input or output. A length of −1 in the shape is variable. */
export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** Metadata of a model. */
export interface ModelMetadata {
  readonly name: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** A tensor as bytes of a datatype of the protocol. */
export interface WireTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Datatypes of the protocol that a tensor can be converted to, to match the precision and width of the model. */
const DATATYPES: Readonly<Record<Tensor['type'], readonly string[]>> = {
  float32: ['FP32', 'FP16'],
  int64: ['INT64', 'INT32'],
  int32: ['INT32', 'INT64'],
  bool: ['BOOL'],
};

/**
 * Converts a tensor to the datatype of the model's input.
 * @throws {ProtocolFault} if the datatypes are incompatible
 */
export function toWire(tensor: Tensor, { name, datatype }: TensorMetadata): WireTensor {
  if (!DATATYPES[tensor.type].includes(datatype)) {
    throw new ProtocolFault(
      `The input "${name}" of the model is ${datatype}, where the bundle gives ${DATATYPES[tensor.type].join(' or ')}.`,
    );
  }
  const data = numbersAs(datatype, tensor);
  return { name, datatype, shape: tensor.dims, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

function numbersAs(datatype: string, { type, data }: Tensor): ArrayBufferView {
  if (datatype === 'FP16') return new Float16Array(data as Float32Array);
  if (datatype === 'INT32' && type === 'int64') return Int32Array.from(data, Number);
  if (datatype === 'INT64' && type === 'int32') return BigInt64Array.from(data, BigInt);
  return data;
}

/** Headers and body of an inference request. */
export interface InferenceBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * Encodes an inference request.
 * @param id echoed in the response
 */
export function writeRequest(id: string, inputs: readonly WireTensor[], output: string): InferenceBody {
  const header = Buffer.from(
    JSON.stringify({
      id,
      inputs: inputs.map(({ name, datatype, shape, bytes }) => ({
        name,
        datatype,
        shape,
        parameters: { binary_data_size: bytes.length },
      })),
      outputs: [{ name: output, parameters: { binary_data: true } }],
    }),
  );
  return {
    headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(header.length) },
    body: Buffer.concat([header, ...inputs.map(({ bytes }) => bytes)]),
  };
}

/** Entry of `outputs` in a response, not yet validated. */
interface AnsweredOutput {
  readonly name?: unknown;
  readonly datatype?: unknown;
  readonly shape?: unknown;
  readonly data?: unknown;
  readonly parameters?: { readonly binary_data_size?: unknown };
}

/**
 * Decodes an output of a response, from bytes or, for servers without the binary extension, from JSON.
 * @param headerLength value of the header field `HEADER_LENGTH`; undefined if the whole body is JSON
 * @throws {ProtocolFault} if the response is malformed or belongs to another request
 */
export function readAnswer(
  body: Uint8Array,
  { headerLength, id, output }: { headerLength: number | undefined; id: string; output: string },
): Tensor {
  if (headerLength !== undefined && !(headerLength >= 0 && headerLength <= body.length)) {
    throw new ProtocolFault(`The answer has a header of ${headerLength} bytes and ${body.length} in all.`);
  }
  const header = parse(body.subarray(0, headerLength ?? body.length));
  if (typeof header.id === 'string' && header.id !== '' && header.id !== id) {
    throw new ProtocolFault(`The answer is one to the request "${header.id}", where "${id}" was asked.`);
  }
  const outputs = Array.isArray(header.outputs) ? (header.outputs as AnsweredOutput[]) : [];
  let at = headerLength ?? body.length;
  for (const answered of outputs) {
    const size = Number(answered.parameters?.binary_data_size ?? 0);
    if (answered.name === output) return toTensor(answered, body.subarray(at, at + size), size);
    at += size;
  }
  throw new ProtocolFault(`The answer has no output "${output}", but ${outputs.map(({ name }) => name).join(', ')}.`);
}

function parse(bytes: Uint8Array): { id?: unknown; outputs?: unknown } {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new ProtocolFault(`The answer is no JSON: ${(error as Error).message}`);
  }
}

function toTensor({ name, datatype, shape, data }: AnsweredOutput, bytes: Uint8Array, size: number): Tensor {
  if (!Array.isArray(shape) || !shape.every((length) => Number.isInteger(length) && length >= 0)) {
    throw new ProtocolFault(`The output "${name}" has the shape ${JSON.stringify(shape)}.`);
  }
  const count = shape.reduce((product: number, length: number) => product * length, 1);
  const values = Array.isArray(data)
    ? Float32Array.from(data.flat(Number.POSITIVE_INFINITY) as number[])
    : fromBytes(String(datatype), bytes, { name: String(name), size });
  if (values.length !== count) {
    throw new ProtocolFault(`The output "${name}" has the shape ${shape.join(' × ')} and ${values.length} values.`);
  }
  return { type: 'float32', dims: shape, data: values };
}

function fromBytes(datatype: string, bytes: Uint8Array, { name, size }: { name: string; size: number }): Float32Array {
  const width = { FP32: 4, FP16: 2 }[datatype];
  if (width === undefined)
    throw new ProtocolFault(`The output "${name}" is ${datatype}, where FP32 or FP16 is wanted.`);
  if (bytes.length !== size || size % width !== 0) {
    throw new ProtocolFault(`The output "${name}" should have ${size} bytes and has ${bytes.length}.`);
  }
  // Copied, because typed arrays must be aligned to the width of their elements.
  const { buffer } = Uint8Array.from(bytes);
  return datatype === 'FP32' ? new Float32Array(buffer) : Float32Array.from(new Float16Array(buffer));
}

/**
 * Checks the shape of a tensor against the model's input.
 * @throws {ProtocolFault} if it does not match; hints at the bundle's `batch` if only that differs
 */
export function requireShape(dims: readonly number[], { name, shape }: TensorMetadata): void {
  if (dims.length === shape.length && dims.every((length, i) => shape[i]! < 0 || shape[i] === length)) return;
  const free = shape.map((length) => (length < 0 ? 'any' : length)).join(' × ');
  const hint =
    dims.length === shape.length && dims.slice(1).every((length, i) => shape[i + 1]! < 0 || shape[i + 1] === length)
      ? ` Set the bundle's "batch" to ${shape[0]}${shape[0] === 1 ? '' : ', or let the server take any'}.`
      : '';
  throw new ProtocolFault(
    `The input "${name}" of the model has the shape ${free}, the bundle's ${dims.join(' × ')}.${hint}`,
  );
}
