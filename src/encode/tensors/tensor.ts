/** Input or output of a model: row-major, with the batch as the first dimension. */
export type Tensor = { readonly dims: readonly number[] } & (
  | { readonly type: 'float32'; readonly data: Float32Array }
  | { readonly type: 'int64'; readonly data: BigInt64Array }
  | { readonly type: 'int32'; readonly data: Int32Array }
  /** 1 for true, 0 for false. */
  | { readonly type: 'bool'; readonly data: Uint8Array }
);

/** Placeholder for the name of a model's only input or output. */
export const ONLY = '*';

/**
 * A model in this process or on a server. Loaded or connected on first use. The output for an input is independent of
 * the rest of its batch.
 */
export interface TensorModel {
  /** Maximum number of inputs per run. */
  readonly batch: number;
  /** Maximum number of concurrent runs. */
  readonly inFlight: number;
  /**
   * Runs one batch.
   * @param inputs by name; inputs that the model does not have are ignored
   * @param output name of the output, or `ONLY`
   * @returns the requested output
   */
  run(inputs: Readonly<Record<string, Tensor>>, output: string, options?: { signal?: AbortSignal }): Promise<Tensor>;
  /** Releases memory and connections. A later run opens them again. */
  close(): Promise<void>;
}
