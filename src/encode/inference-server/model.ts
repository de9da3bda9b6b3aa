import { randomUUID } from 'node:crypto';
import { ONLY, type Tensor, type TensorModel } from '../tensors/tensor.ts';
import type { InferenceClient } from './client.ts';
import {
  HEADER_LENGTH,
  type ModelMetadata,
  ProtocolFault,
  readAnswer,
  requireShape,
  type TensorMetadata,
  toWire,
  writeRequest,
} from './protocol.ts';

export interface InferenceServerModelOptions {
  readonly client: InferenceClient;
  readonly model: string;
  /** The server's choice where it is absent. */
  readonly version?: string | undefined;
  readonly batch: number;
  readonly inFlight: number;
}

/** A model on servers that speak the Open Inference Protocol v2. */
export class InferenceServerModel implements TensorModel {
  readonly batch: number;
  readonly inFlight: number;
  readonly #client: InferenceClient;
  readonly #path: string;
  readonly #name: string;
  #metadata: Promise<ModelMetadata> | undefined;

  constructor({ client, model, version, batch, inFlight }: InferenceServerModelOptions) {
    this.batch = batch;
    this.inFlight = inFlight;
    this.#client = client;
    this.#name = version === undefined ? model : `${model}, version ${version}`;
    this.#path = `v2/models/${encodeURIComponent(model)}`;
    if (version !== undefined) this.#path += `/versions/${encodeURIComponent(version)}`;
  }

  /**
   * @throws {InferenceServerUnavailable} which passes
   * @throws {ProtocolFault} when the model is not what the bundle says
   */
  async run(
    inputs: Readonly<Record<string, Tensor>>,
    output: string,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Tensor> {
    const model = await this.check(Object.keys(inputs), output, signal);
    signal?.throwIfAborted();
    try {
      const wire = model.inputs.map((input) => {
        const tensor = (inputs[input.name] ?? inputs[ONLY])!;
        requireShape(tensor.dims, input);
        return toWire(tensor, input);
      });
      const id = randomUUID();
      const body = writeRequest(id, wire, model.output);
      const answer = await this.#client.send({ method: 'POST', path: `${this.#path}/infer`, ...body, signal });
      const length = answer.header(HEADER_LENGTH);
      const headerLength = length === undefined ? undefined : Number(length);
      return readAnswer(answer.body, { headerLength, id, output: model.output });
    } catch (error) {
      throw this.#withModelName(error);
    }
  }

  /**
   * Makes sure that the server's model takes these inputs, or some of them, and has that output.
   * @throws {ProtocolFault} when it does not
   * @returns the inputs that it takes, and the name of the output
   */
  async check(
    inputs: readonly string[],
    output: string,
    signal?: AbortSignal,
  ): Promise<{ inputs: readonly TensorMetadata[]; output: string }> {
    const { inputs: wanted, outputs } = await this.#loadMetadata(signal);
    const isGiven = (name: string) => inputs.includes(name) || (inputs.includes(ONLY) && wanted.length === 1);
    const lacking = wanted.find(({ name }) => !isGiven(name));
    if (lacking) {
      const message = `It wants an input "${lacking.name}"; the bundle has ${inputs.join(', ')}.`;
      throw this.#withModelName(new ProtocolFault(message));
    }
    const found = output === ONLY && outputs.length === 1 ? outputs[0] : outputs.find(({ name }) => name === output);
    if (found) return { inputs: wanted, output: found.name };
    const names = outputs.map(({ name }) => name).join(', ');
    throw this.#withModelName(new ProtocolFault(`It has no output "${output}", but ${names}.`));
  }

  async close(): Promise<void> {
    this.#metadata = undefined;
    await this.#client.close();
  }

  #withModelName(error: unknown): unknown {
    if (!(error instanceof ProtocolFault)) return error;
    // The model may have been exchanged for another: the next run looks anew.
    this.#metadata = undefined;
    return new ProtocolFault(`The model ${this.#name} on the inference server: ${error.message}`);
  }

  /** What the server says of the model; asked once for all who want to know. */
  async #loadMetadata(signal: AbortSignal | undefined): Promise<ModelMetadata> {
    for (;;) {
      this.#metadata ??= this.#fetchMetadata(signal);
      const loading = this.#metadata;
      try {
        return await loading;
      } catch (error) {
        if (this.#metadata === loading) this.#metadata = undefined;
        // Whoever asked may have been aborted, which is nothing to those who waited for the answer too.
        if (signal?.aborted || (error as Error).name !== 'AbortError') throw error;
      }
    }
  }

  async #fetchMetadata(signal: AbortSignal | undefined): Promise<ModelMetadata> {
    const { body } = await this.#client.send({ method: 'GET', path: this.#path, signal });
    const metadata = JSON.parse(Buffer.from(body).toString('utf8')) as ModelMetadata;
    if (Array.isArray(metadata.inputs) && Array.isArray(metadata.outputs)) return metadata;
    throw new ProtocolFault(`The inference server says nothing of the inputs and outputs of ${this.#name}.`);
  }
}
