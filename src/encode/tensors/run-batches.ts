/** Limits of `runBatches`. */
export interface BatchLimits {
  /** Maximum number of items in a batch. */
  readonly batch: number;
  /** Maximum number of concurrent batches. */
  readonly inFlight: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs items in batches, several of them at the same time.
 * @param run receives the items of a batch, the index of the first, and a signal that a failure of another batch aborts
 * @throws the first error of a batch, after all running batches have ended
 */
export async function runBatches<Item>(
  items: readonly Item[],
  { batch, inFlight, signal }: BatchLimits,
  run: (items: readonly Item[], from: number, stop: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const from = next;
      const own = items.slice(from, from + batch);
      next += own.length;
      stop.throwIfAborted();
      await run(own, from, stop);
    }
  };
  signal?.throwIfAborted();
  // A failure aborts the other batches. None is still running when this function returns.
  await Promise.allSettled(Array.from({ length: inFlight }, () => worker().catch((error) => failed.abort(error))));
  if (failed.signal.aborted) throw failed.signal.reason;
}
