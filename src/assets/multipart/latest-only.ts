/**
 * Lets one piece of work a key run at a time: whoever comes later ends the one before, waits until it has, and takes
 * its place. So a sender that gave up unnoticed does not write into what it sends again.
 */
export class LatestOnly {
  readonly #running = new Map<string, { readonly end: () => void; readonly ended: Promise<unknown> }>();

  /** @param work must end soon after its signal is aborted */
  async run<T>(key: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const before = this.#running.get(key);
    const controller = new AbortController();
    const result = (async () => {
      before?.end();
      await before?.ended;
      return work(controller.signal);
    })();
    const mine = {
      end: () => controller.abort(new Error('The same is being sent again.')),
      ended: result.catch(() => {}),
    };
    this.#running.set(key, mine);
    try {
      return await result;
    } finally {
      if (this.#running.get(key) === mine) this.#running.delete(key);
    }
  }
}
