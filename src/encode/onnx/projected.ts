import { ONLY, type Tensor, type TensorModel } from '../tensors/tensor.ts';

/** A model followed by a projection: a second model with one input and one output. */
export class ProjectedModel implements TensorModel {
  readonly batch: number;
  readonly inFlight: number;
  readonly #model: TensorModel;
  readonly #projection: TensorModel;

  constructor({ model, projection }: { model: TensorModel; projection: TensorModel }) {
    this.#model = model;
    this.#projection = projection;
    this.batch = Math.min(model.batch, projection.batch);
    this.inFlight = model.inFlight;
  }

  async run(
    inputs: Readonly<Record<string, Tensor>>,
    output: string,
    options: { signal?: AbortSignal } = {},
  ): Promise<Tensor> {
    return this.#projection.run({ [ONLY]: await this.#model.run(inputs, output, options) }, ONLY, options);
  }

  async close(): Promise<void> {
    await Promise.all([this.#model.close(), this.#projection.close()]);
  }
}
