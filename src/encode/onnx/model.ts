import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Device } from '../../config.ts';
import type { Tensor, TensorModel } from '../tensors/tensor.ts';
import { chooseDevice } from './device.ts';
import { openSession } from './session.ts';

export interface OnnxModelOptions {
  /** Path of the graph, once its content was checked. */
  readonly file: () => Promise<string>;
  readonly batch: number;
  readonly device: Device;
  readonly threads: number;
  /** Time without work after which the model is unloaded, in milliseconds. */
  readonly modelIdleMs: number;
}

type Ort = typeof import('onnxruntime-node');

interface Loaded {
  readonly ort: Ort;
  readonly session: InferenceSession;
}

/** A graph that onnxruntime runs in this process. */
export class OnnxModel implements TensorModel {
  readonly batch: number;
  /** A run holds this thread until it is over. */
  readonly inFlight = 1;
  readonly #options: OnnxModelOptions;
  #loaded: Promise<Loaded> | undefined;
  #running = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: OnnxModelOptions) {
    this.#options = options;
    this.batch = options.batch;
  }

  /** Whether it is in memory, or on its way there. */
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
      for (const name of session.inputNames) {
        const input = inputs[name];
        if (!input) throw new Error(`The model wants an input "${name}"; the bundle has ${Object.keys(inputs)}.`);
        feeds[name] = new ort.Tensor(input.type, input.data, input.dims);
      }
      if (!session.outputNames.includes(output))
        throw new Error(`The model has no output "${output}", but ${session.outputNames.join(', ')}.`);
      const found = (await session.run(feeds, [output]))[output]!;
      if (!(found.data instanceof Float32Array))
        throw new Error(`The output ${output} is ${found.type}, where float32 is wanted.`);
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
