import { ReelvecError } from '../errors.ts';

/** How many requests of one kind may be answered at the same time; one more is sent away at once, rather than to wait for ever. */
export class ConcurrencyLimit {
  readonly #max: number;
  readonly #retryAfterSec: number;
  readonly #subject: string;
  #inFlight = 0;

  /** @param subject begins the sentence of the error: `Text and image queries` */
  constructor({ max, retryAfterSec, subject }: { max: number; retryAfterSec: number; subject: string }) {
    this.#max = max;
    this.#retryAfterSec = retryAfterSec;
    this.#subject = subject;
  }

  /**
   * Counts a request in until it is disposed of.
   * @throws {ReelvecError} `too_many_requests`
   */
  acquire(): Disposable {
    if (this.#inFlight >= this.#max) {
      throw new ReelvecError(
        'too_many_requests',
        `${this.#subject} that are being answered: ${this.#inFlight}, as many as this server takes at once. ` +
          `Nothing was done. Try again in ${this.#retryAfterSec} s.`,
        { details: { limit: this.#max, retry_after: this.#retryAfterSec }, retryAfterSec: this.#retryAfterSec },
      );
    }
    this.#inFlight++;
    let released = false;
    return {
      [Symbol.dispose]: () => {
        if (!released) this.#inFlight--;
        released = true;
      },
    };
  }
}
