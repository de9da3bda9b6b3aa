import type { OutputSpec } from '../bundle-file.ts';
import { DIMENSION } from '../encoder.ts';
import type { Tensor, TensorModel } from './tensor.ts';

export interface BatchInput<Item> {
  readonly model: TensorModel;
  readonly output: OutputSpec;
  /** Inputs of the model for up to `model.batch` items. Called when the batch's turn comes. */
  readonly inputs: (items: readonly Item[]) => Readonly<Record<string, Tensor>> | Promise<Record<string, Tensor>>;
  /** For each item of the batch, how many of its tokens count; only for pooled outputs. */
  readonly tokens?: (item: Item) => number;
  readonly signal?: AbortSignal;
}

/**
 * Runs items through a model in batches.
 * @returns a vector for each item, in order: `DIMENSION` values, norm 1
 */
export async function embedItems<Item>(items: readonly Item[], options: BatchInput<Item>): Promise<Float32Array[]> {
  const { model, signal } = options;
  const vectors = new Array<Float32Array>(items.length);
  const failed = new AbortController();
  const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const from = next;
      const batch = items.slice(from, from + model.batch);
      next += batch.length;
      stop.throwIfAborted();
      const inputs = await options.inputs(batch);
      const output = await model.run(inputs, options.output.name, { signal: stop });
      stop.throwIfAborted();
      batch.forEach((item, i) => {
        vectors[from + i] = toVector(output, i, batch.length, options.output, options.tokens?.(item));
      });
    }
  };
  signal?.throwIfAborted();
  // What fails stops the others, and none goes on behind the caller's back.
  await Promise.allSettled(
    Array.from({ length: model.inFlight }, () => worker().catch((error) => failed.abort(error))),
  );
  if (failed.signal.aborted) throw failed.signal.reason;
  return vectors;
}

/** One item's share of an output, pooled, cut to `DIMENSION`, of norm 1. */
function toVector({ dims, data }: Tensor, index: number, count: number, output: OutputSpec, tokens?: number) {
  const { pooling, dimension, name } = output;
  const shape = pooling === 'none' ? [count, dimension] : [count, dims[1] ?? 0, dimension];
  if (dims.length !== shape.length || dims.some((length, i) => length !== shape[i])) {
    throw new Error(
      `The output ${name} has the shape ${dims.join(' × ')}, where the bundle has ${count} × ` +
        `${pooling === 'none' ? '' : 'tokens × '}${dimension}. The bundle's "output" does not fit the model.`,
    );
  }
  const width = (shape[1]! * dimension) / (pooling === 'none' ? dimension : 1);
  const size = pooling === 'none' ? dimension : width;
  const own = (data as Float32Array).subarray(index * size, (index + 1) * size);
  return toUnit(pool(own, { pooling, dimension, tokens: tokens ?? shape[1]! }));
}

function pool(
  values: Float32Array,
  { pooling, dimension, tokens }: { pooling: OutputSpec['pooling']; dimension: number; tokens: number },
): Float64Array {
  const vector = new Float64Array(DIMENSION);
  // Cut before it is normalised: what was trained for prefixes is compared like that.
  if (pooling === 'none' || pooling === 'first') return copy(vector, values, 0);
  if (pooling === 'last') return copy(vector, values, (tokens - 1) * dimension);
  for (let token = 0; token < tokens; token++) {
    for (let i = 0; i < DIMENSION; i++) vector[i]! += values[token * dimension + i]!;
  }
  return vector;
}

function copy(vector: Float64Array, values: Float32Array, from: number): Float64Array {
  for (let i = 0; i < DIMENSION; i++) vector[i] = values[from + i]!;
  return vector;
}

/** The mean of vectors of norm 1, brought to norm 1. */
export function meanVector(vectors: readonly Float32Array[]): Float32Array {
  if (vectors.length === 1) return vectors[0]!;
  const sum = new Float64Array(DIMENSION);
  for (const vector of vectors) for (let i = 0; i < DIMENSION; i++) sum[i]! += vector[i]!;
  // Vectors that cancel each other out have no mean direction; the first is as good as any.
  return Math.hypot(...sum) < 1e-9 ? vectors[0]! : toUnit(sum);
}

/** @throws {Error} for what has no direction: the model's fault, which must not pass for a result */
function toUnit(values: Float64Array): Float32Array {
  let sum = 0;
  for (const value of values) sum += value * value;
  if (!(sum > 0) || !Number.isFinite(sum)) {
    throw new Error(`The model gave a vector of norm ${Math.sqrt(sum)}, which has no direction.`);
  }
  const norm = Math.sqrt(sum);
  return Float32Array.from(values, (value) => value / norm);
}
