import type { Logger } from '../observe/logger.ts';

/** Maximum duration of a graceful shutdown. Then the process exits with code 1. Milliseconds from the signal. */
const SHUTDOWN_TIMEOUT_MS = 20_000;
/** Time for work in flight to finish before it is aborted. Milliseconds from the signal. */
const FINISH_TIMEOUT_MS = 12_000;
/** Time for clients to read their responses before their connections are aborted. Milliseconds from the signal. */
const RESPONSE_TIMEOUT_MS = 16_000;

/**
 * Graceful shutdown on SIGTERM or SIGINT: drains, lets work in flight finish, then closes the parts in reverse order. A second
 * signal or the timeout exits immediately.
 */
export class ShutdownList {
  readonly #log: Logger;
  readonly #draining = new AbortController();
  readonly #stopping = new AbortController();
  readonly #late = new AbortController();
  readonly #finishing: ((giveUp: AbortSignal) => Promise<void>)[] = [];
  readonly #entries: { readonly name: string; readonly close: () => void | Promise<void> }[] = [];

  readonly #signalled: Promise<NodeJS.Signals>;

  /** Installs the signal handlers. A signal during startup takes effect when the startup is complete. */
  constructor(log: Logger) {
    this.#log = log;
    const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
    let signalled = false;
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        if (signalled) process.exit(1);
        signalled = true;
        resolve(name);
      });
    }
    this.#signalled = promise;
  }

  /** Aborted by the signal: no new work is started, and readiness checks fail. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Aborted when the time to finish is over: work in flight stops. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Aborted shortly before the timeout: remaining connections are closed. */
  get late(): AbortSignal {
    return this.#late.signal;
  }

  /** Adds work that may finish before anything is closed, at the same time as others. It must end when `giveUp` is aborted. */
  finishFirst(finish: (giveUp: AbortSignal) => Promise<void>): void {
    this.#finishing.push(finish);
  }

  /** Adds a part that was opened. @param name for the log */
  add(name: string, close: () => void | Promise<void>): void {
    this.#entries.push({ name, close });
  }

  /** Waits for a signal, shuts down and exits. */
  async whenSignalled(): Promise<void> {
    this.#log.info({ signal: await this.#signalled }, 'stopping');
    const timer = setTimeout(() => {
      this.#log.error('shutdown timed out');
      process.exit(1);
    }, SHUTDOWN_TIMEOUT_MS);
    setTimeout(() => this.#late.abort(), RESPONSE_TIMEOUT_MS).unref();
    this.#draining.abort(new Error('The server stops.'));
    const giveUp = AbortSignal.timeout(FINISH_TIMEOUT_MS);
    for (const outcome of await Promise.allSettled(this.#finishing.map((finish) => finish(giveUp)))) {
      if (outcome.status === 'rejected') this.#log.error({ err: outcome.reason }, 'not finished');
    }
    await this.run();
    clearTimeout(timer);
    this.#log.info('stopped');
    // Promises of aborted runs never settle, on purpose: see InFlightSteps.
    process.exit(0);
  }

  /** Aborts `signal` and closes the parts in reverse order. An error is logged and does not keep the others open. */
  async run(): Promise<void> {
    this.#stopping.abort(new Error('The server stops.'));
    for (const { name, close } of this.#entries.toReversed()) {
      try {
        await close();
      } catch (error) {
        this.#log.error({ err: error, part: name }, 'not closed');
      }
    }
  }
}
