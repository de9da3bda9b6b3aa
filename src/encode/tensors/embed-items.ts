import { DIMENSION } from '../encoder.ts';
import type { OutputSpec } from '../spec-fields.ts';
import { encoderVector } from '../vectors.ts';
import { runBatches } from './run-batches.ts';
import type { Tensor, TensorModel } from './tensor.ts';

/** Options of `embedItems`. */
export interface BatchInput<Item> {
  readonly model: TensorModel;
  readonly output: OutputSpec;
  /** Creates the model's inputs for up to `model.batch` items. Called just before the batch runs. */
  readonly inputs: (items: readonly Item[]) => Readonly<Record<string, Tensor>> | Promise<Record<string, Tensor>>;
  /** Number of tokens of an item without padding; only for pooled outputs. */
  readonly tokens?: (item: Item) => number;
  readonly signal?: AbortSignal;
}

/**
 * Runs items through a model in batches, with up to `model.inFlight` of them at the same time.
 * @returns one vector per item, in order: `DIMENSION` values of norm 1
 * @throws the first error of a batch, after all running batches have ended
 */
export async function embedItems<Item>(items: readonly Item[], options: BatchInput<Item>): Promise<Float32Array[]> {
  const { model, signal } = options;
  const vectors = new Array<Float32Array>(items.length);
  await runBatches(items, { batch: model.batch, inFlight: model.inFlight, signal }, async (batch, from, stop) => {
    const inputs = await options.inputs(batch);
    const output = await model.run(inputs, options.output.name, { signal: stop });
    stop.throwIfAborted();
    batch.forEach((item, i) => {
      vectors[from + i] = toVector(output, i, batch.length, options.output, options.tokens?.(item));
    });
  });
  return vectors;
}

/**
 * Vector of one item of a batch: pooled, of length `DIMENSION` and norm 1.
 * @throws {Error} if the output's shape does not fit the bundle, or its values have no direction
 */
function toVector(
  { dims, data }: Tensor,
  index: number,
  count: number,
  output: OutputSpec,
  tokens?: number,
): Float32Array {
  const { pooling, dimension, name } = output;
  const shape = pooling === 'none' ? [count, dimension] : [count, dims[1] ?? 0, dimension];
  if (dims.length !== shape.length || dims.some((length, i) => length !== shape[i])) {
    throw new Error(
      `The output ${name} has the shape ${dims.join(' × ')}, where the bundle has ${count} × ` +
        `${pooling === 'none' ? '' : 'tokens × '}${dimension}. The bundle's "output" does not fit the model.`,
    );
  }
  const size = pooling === 'none' ? dimension : shape[1]! * dimension;
  const own = (data as Float32Array).subarray(index * size, (index + 1) * size);
  return encoderVector(pool(own, { pooling, dimension, tokens: tokens ?? shape[1]! }));
}

/** Pools the token vectors of an item into one; only its first `DIMENSION` values are needed. */
function pool(
  values: Float32Array,
  { pooling, dimension, tokens }: { pooling: OutputSpec['pooling']; dimension: number; tokens: number },
): ArrayLike<number> {
  if (pooling === 'none' || pooling === 'first') return values.subarray(0, dimension);
  if (pooling === 'last') return values.subarray((tokens - 1) * dimension, tokens * dimension);
  const sum = new Float64Array(Math.min(dimension, DIMENSION));
  for (let token = 0; token < tokens; token++) {
    for (let i = 0; i < sum.length; i++) sum[i]! += values[token * dimension + i]!;
  }
  return sum;
}
