/** Interval between beats, in milliseconds. */
const BEAT_INTERVAL_MS = 500;
/** Time without progress after which the work counts as hung and the beats stop, in milliseconds. */
const STALL_TIMEOUT_MS = 15 * 60_000;

/**
 * Heartbeat while waiting for slow work, so that the supervisor does not kill the worker: a speech model on a slow
 * machine, or an encoder on a server that is restarting. The beats stop after `STALL_TIMEOUT_MS` without progress.
 */
export class Heartbeat implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #progressedAt = performance.now();

  constructor(beat: () => void) {
    this.#timer = setInterval(() => {
      if (performance.now() - this.#progressedAt < STALL_TIMEOUT_MS) beat();
    }, BEAT_INTERVAL_MS);
  }

  /** Reports progress and restarts the stall timeout. */
  progressed(): void {
    this.#progressedAt = performance.now();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
