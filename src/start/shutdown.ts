import type { Logger } from '../observe/logger.ts';

/** Time that an orderly end may take, in milliseconds. */
const DEADLINE_MS = 20_000;

/** What was opened, in order, to be closed backwards. A second signal, or the deadline, means now. */
export class ShutdownList {
  readonly #log: Logger;
  readonly #controller = new AbortController();
  readonly #entries: { readonly name: string; readonly close: () => void | Promise<void> }[] = [];

  /** Which signal asks for the end. */
  readonly #signalled: Promise<NodeJS.Signals>;

  /** From now on SIGTERM and SIGINT ask for an orderly end; what is being opened meanwhile is opened first. */
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

  /** Aborted when the end begins: what waits or works stops for it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  add(name: string, close: () => void | Promise<void>): void {
    this.#entries.push({ name, close });
  }

  /** Waits for a signal and ends the process in order. */
  async whenSignalled(): Promise<void> {
    this.#log.info({ signal: await this.#signalled }, 'stopping');
    const timer = setTimeout(() => {
      this.#log.error('did not stop in time');
      process.exit(1);
    }, DEADLINE_MS);
    await this.run();
    clearTimeout(timer);
    this.#log.info('stopped');
    // Runs that were broken off keep promises open for ever, on purpose.
    process.exit(0);
  }

  async run(): Promise<void> {
    this.#controller.abort(new Error('The server stops.'));
    for (const { name, close } of this.#entries.toReversed()) {
      try {
        await close();
      } catch (error) {
        this.#log.error({ err: error, part: name }, 'not closed');
      }
    }
  }
}
