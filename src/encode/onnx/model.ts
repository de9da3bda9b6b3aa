import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Device } from '../../config.ts';
import { ONLY, type Tensor, type TensorModel } from '../tensors/tensor.ts';
import { chooseDevice } from './device.ts';
import type { OnnxRuntime } from './runtime.ts';
import { openSession } from './session.ts';

/** Options of `OnnxModel`. */
export interface OnnxModelOptions {
  /** Resolves to the path of the graph, after its checksum was verified. */
  readonly file: () => Promise<string>;
  /** Maximum number of inputs per run. */
  readonly batch: number;
  readonly device: Device;
  /** Threads per run. */
  readonly threads: number;
  /** Idle time after which the model is unloaded, in milliseconds. */
  readonly modelIdleMs: number;
}

/** A loaded graph. */
interface Loaded {
  readonly ort: OnnxRuntime;
  readonly session: InferenceSession;
}

/** An ONNX graph that onnxruntime runs in this process. Loaded on first use, unloaded when idle. */
export class OnnxModel implements TensorModel {
  readonly batch: number;
  /** One, because a run blocks this thread. */
  readonly inFlight = 1;
  readonly #options: OnnxModelOptions;
  #loaded: Promise<Loaded> | undefined;
  #running = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: OnnxModelOptions) {
    this.#options = options;
    this.batch = options.batch;
  }

  /** True if the model is loaded or loading. */
  get loaded(): boolean {
    return this.#loaded !== undefined;
  }

  async run(
    inputs: Readonly<Record<string, Tensor>>,
    output: string,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Tensor> {
    clearTimeout(this.#idle);
    this.#running++;
    try {
      this.#loaded ??= this.#load();
      const { ort, session } = await this.#loaded.catch((error) => {
        this.#loaded = undefined;
        throw error;
      });
      signal?.throwIfAborted();
      const feeds: Record<string, OrtTensor> = {};
      for (const [i, name] of session.inputNames.entries()) {
        const input = toInput(session.inputMetadata[i], inputs[name] ?? onlyInput(session, inputs));
        if (!input) throw new Error(`The model wants an input "${name}"; the bundle has ${Object.keys(inputs)}.`);
        feeds[name] = new ort.Tensor(input.type, input.data, input.dims);
      }
      const name = output === ONLY && session.outputNames.length === 1 ? session.outputNames[0]! : output;
      if (!session.outputNames.includes(name))
        throw new Error(`The model has no output "${name}", but ${session.outputNames.join(', ')}.`);
      if (isOverBatchOfOne(session, feeds)) return await this.#runEach(inputs, output, signal);
      const found = (await session.run(feeds, [name]))[name]!;
      if (!(found.data instanceof Float32Array))
        throw new Error(`The output ${name} is ${found.type}, where float32 is wanted.`);
      return { type: 'float32', dims: found.dims, data: found.data };
    } finally {
      this.#running--;
      this.#unloadLater();
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const loaded = this.#loaded;
    this.#loaded = undefined;
    await (await loaded?.catch(() => undefined))?.session.release();
  }

  /** Runs the inputs of a batch one by one, for a graph with a fixed batch size of 1. */
  async #runEach(inputs: Readonly<Record<string, Tensor>>, output: string, signal?: AbortSignal): Promise<Tensor> {
    const count = Object.values(inputs)[0]!.dims[0]!;
    const found: Tensor[] = [];
    for (let i = 0; i < count; i++) {
      const own = Object.entries(inputs).map(([name, input]) => [name, slice(input, i)]);
      found.push(await this.run(Object.fromEntries(own), output, { signal }));
    }
    const size = found[0]!.data.length;
    const data = new Float32Array(count * size);
    found.forEach((each, i) => {
      data.set(each.data as Float32Array, i * size);
    });
    return { type: 'float32', dims: [count, ...found[0]!.dims.slice(1)], data };
  }

  async #load(): Promise<Loaded> {
    const { file, device, threads } = this.#options;
    const chosen = device === 'auto' ? await chooseDevice(device) : device;
    return openSession(await file(), { device: chosen, threads });
  }

  #unloadLater(): void {
    clearTimeout(this.#idle);
    if (this.#running > 0) return;
    this.#idle = setTimeout(() => this.close(), this.#options.modelIdleMs);
    this.#idle.unref();
  }
}

/** The input named `*`, for a model with a single input. */
function onlyInput({ inputNames }: InferenceSession, inputs: Readonly<Record<string, Tensor>>): Tensor | undefined {
  return inputNames.length === 1 ? inputs[ONLY] : undefined;
}

/** Converts integers to the width that the graph declares. */
function toInput(declared: InferenceSession.ValueMetadata | undefined, input: Tensor | undefined): Tensor | undefined {
  if (!input || !declared?.isTensor || declared.type === input.type) return input;
  const { dims } = input;
  if (input.type === 'int64' && declared.type === 'int32')
    return { type: 'int32', dims, data: Int32Array.from(input.data, Number) };
  if (input.type === 'int32' && declared.type === 'int64')
    return { type: 'int64', dims, data: BigInt64Array.from(input.data, BigInt) };
  return input;
}

/** True if an input of the graph has a fixed batch size of 1 and is given a larger batch. */
function isOverBatchOfOne(
  { inputMetadata, inputNames }: InferenceSession,
  feeds: Readonly<Record<string, OrtTensor>>,
): boolean {
  return inputMetadata.some(
    (input, i) => input.isTensor && input.shape[0] === 1 && feeds[inputNames[i]!]!.dims[0]! > 1,
  );
}

/** One input of a batch, as a batch of size 1. */
function slice({ type, dims, data }: Tensor, index: number): Tensor {
  const size = data.length / dims[0]!;
  return { type, dims: [1, ...dims.slice(1)], data: data.slice(index * size, (index + 1) * size) } as Tensor;
}
