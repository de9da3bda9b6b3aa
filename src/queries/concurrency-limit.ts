import { ReelvecError } from '../errors.ts';

/** Concurrency limit for one kind of request: rejects with 429 instead of queueing. */
export class ConcurrencyLimit {
  readonly #max: number;
  readonly #retryAfterSec: number;
  readonly #subject: string;
  #inFlight = 0;

  /** @param subject start of the error message: `Text and image queries` */
  constructor({ max, retryAfterSec, subject }: { max: number; retryAfterSec: number; subject: string }) {
    this.#max = max;
    this.#retryAfterSec = retryAfterSec;
    this.#subject = subject;
  }

  /**
   * Takes a slot until the returned value is disposed.
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
