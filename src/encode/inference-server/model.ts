import { randomUUID } from 'node:crypto';
import type { InferenceClient } from '../remote/client.ts';
import { ProtocolFault } from '../remote/protocol-fault.ts';
import { ONLY, type Tensor, type TensorModel } from '../tensors/tensor.ts';
import {
  HEADER_LENGTH,
  type ModelMetadata,
  readAnswer,
  requireShape,
  type TensorMetadata,
  toWire,
  writeRequest,
} from './protocol.ts';

/** Options of `InferenceServerModel`. */
export interface InferenceServerModelOptions {
  readonly client: InferenceClient;
  /** Name of the model on the server. */
  readonly model: string;
  /** Version of the model. Default: the server's choice. */
  readonly version?: string | undefined;
  readonly batch: number;
  readonly inFlight: number;
}

/** A model on inference servers with the Open Inference Protocol v2. */
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
   * Runs one batch on a server.
   * @throws {InferenceServerUnavailable} if no server succeeds in time; may be retried later
   * @throws {ProtocolFault} if the model does not match the bundle, or the response violates the protocol
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
   * Checks that the server's model needs no inputs beside `inputs`, and has the output.
   * @returns the model's inputs, and the resolved name of the output
   * @throws {ProtocolFault} if the model does not match
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

  /** Prefixes the model's name to the message of a `ProtocolFault`. */
  #withModelName(error: unknown): unknown {
    if (!(error instanceof ProtocolFault)) return error;
    // The server may have replaced the model, so the next run fetches its metadata again.
    this.#metadata = undefined;
    return new ProtocolFault(`The model ${this.#name} on the inference server: ${error.message}`);
  }

  /** Metadata of the model; fetched once and shared by concurrent runs. */
  async #loadMetadata(signal: AbortSignal | undefined): Promise<ModelMetadata> {
    for (;;) {
      this.#metadata ??= this.#fetchMetadata(signal);
      const loading = this.#metadata;
      try {
        return await loading;
      } catch (error) {
        if (this.#metadata === loading) this.#metadata = undefined;
        // The fetch uses the signal of the run that started it. If that run was aborted, the others fetch again.
        if (signal?.aborted || (error as Error).name !== 'AbortError') throw error;
      }
    }
  }

  async #fetchMetadata(signal: AbortSignal | undefined): Promise<ModelMetadata> {
    const { body } = await this.#client.send({ method: 'GET', path: this.#path, signal });
    const metadata = JSON.parse(Buffer.from(body).toString('utf8')) as ModelMetadata;
    if (Array.isArray(metadata.inputs) && Array.isArray(metadata.outputs)) return metadata;
    throw new ProtocolFault(`The inference server sent no inputs and outputs of ${this.#name}.`);
  }
}
