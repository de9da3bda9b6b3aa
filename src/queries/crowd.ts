import { ReelvecError } from '../errors.ts';

/** How many requests of one kind may be answered at the same time; one more is sent away at once, rather than to wait for ever. */
export class Crowd {
  readonly #max: number;
  readonly #retryAfterSec: number;
  readonly #what: string;
  #inside = 0;

  /** @param what begins the sentence of the error: `Text and image queries` */
  constructor({ max, retryAfterSec, what }: { max: number; retryAfterSec: number; what: string }) {
    this.#max = max;
    this.#retryAfterSec = retryAfterSec;
    this.#what = what;
  }

  /**
   * Counts a request in until it is disposed of.
   * @throws {ReelvecError} `too_many_requests`
   */
  enter(): Disposable {
    if (this.#inside >= this.#max) {
      throw new ReelvecError(
        'too_many_requests',
        `${this.#what} that are being answered: ${this.#inside}, as many as this server takes at once. ` +
          `Nothing was done. Try again in ${this.#retryAfterSec} s.`,
        { details: { limit: this.#max, retry_after: this.#retryAfterSec }, retryAfterSec: this.#retryAfterSec },
      );
    }
    this.#inside++;
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (!left) this.#inside--;
        left = true;
      },
    };
  }
}
