/** How often a sign of life is given, in milliseconds. */
const BEAT_INTERVAL_MS = 500;
/** What takes longer than this without moving has stopped for good. Milliseconds. */
const STALL_TIMEOUT_MS = 15 * 60_000;

/**
 * Gives signs of life while this thread waits for work that takes long, as a speech model on a slow machine or an
 * encoder on a server that is being started anew: nobody should take it for dead. They end when nothing has moved for
 * so long that it is.
 */
export class Heartbeat implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #progressedAt = performance.now();

  constructor(beat: () => void) {
    this.#timer = setInterval(() => {
      if (performance.now() - this.#progressedAt < STALL_TIMEOUT_MS) beat();
    }, BEAT_INTERVAL_MS);
  }

  /** Something got done. */
  progressed(): void {
    this.#progressedAt = performance.now();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
