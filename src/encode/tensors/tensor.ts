/** Numbers as a model takes and gives them: row-major, the first dimension counts the inputs of a batch. */
export type Tensor = { readonly dims: readonly number[] } & (
  | { readonly type: 'float32'; readonly data: Float32Array }
  | { readonly type: 'int64'; readonly data: BigInt64Array }
  | { readonly type: 'int32'; readonly data: Int32Array }
);

/** In place of a name: the only input, or the only output, that the model has. */
export const ONLY = '*';

/**
 * A model somewhere: in this process, or on a server. Loaded or connected when it is first run. What comes out for one
 * input does not depend on the others of its batch.
 */
export interface TensorModel {
  /** Inputs of one run at the most. */
  readonly batch: number;
  /** Runs that may be under way at once. */
  readonly inFlight: number;
  /**
   * Runs one batch.
   * @param inputs by name; those that the model does not have are left out
   * @returns the output of that name
   */
  run(inputs: Readonly<Record<string, Tensor>>, output: string, options?: { signal?: AbortSignal }): Promise<Tensor>;
  /** Releases memory and connections; a later run opens them anew. */
  close(): Promise<void>;
}
