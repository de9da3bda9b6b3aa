/**
 * Serializes work by key, where the latest call wins: it aborts the current work of its key, waits for it to end, and
 * takes its place. Prevents the unnoticed remains of an interrupted request from writing into its repetition.
 */
export class LatestOnly {
  readonly #running = new Map<string, { readonly abort: () => void; readonly ended: Promise<unknown> }>();

  /** @param work must end soon after its signal is aborted */
  async run<T>(key: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const previous = this.#running.get(key);
    const controller = new AbortController();
    const result = (async () => {
      previous?.abort();
      await previous?.ended;
      return work(controller.signal);
    })();
    const current = {
      abort: () => controller.abort(new Error('The same is being sent again.')),
      ended: result.catch(() => {}),
    };
    this.#running.set(key, current);
    try {
      return await result;
    } finally {
      if (this.#running.get(key) === current) this.#running.delete(key);
    }
  }
}
