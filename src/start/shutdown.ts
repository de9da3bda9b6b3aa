import type { Logger } from '../observe/logger.ts';

/** Time that an orderly end may take, in milliseconds. */
const DEADLINE_MS = 20_000;
/** How much of it what is under way may take to finish, in milliseconds. */
const FINISH_MS = 12_000;
/** How much of it clients may take for their last answers before they are cut off, in milliseconds. */
const LATE_MS = 16_000;

/**
 * What was opened, in order, to be closed backwards. First comes the time to finish: no new work is taken on, what is
 * under way goes on. A second signal, or the deadline, means now.
 */
export class ShutdownList {
  readonly #log: Logger;
  readonly #draining = new AbortController();
  readonly #stopping = new AbortController();
  readonly #late = new AbortController();
  readonly #finishing: ((giveUp: AbortSignal) => Promise<void>)[] = [];
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

  /** Aborted when the end was asked for: nothing new is begun, and others are told to ask elsewhere. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Aborted when the time to finish is over: what waits or works stops for it. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Aborted when little of the time is left: clients that are still there are cut off. */
  get late(): AbortSignal {
    return this.#late.signal;
  }

  /** Something that is let finish, beside others, before anything is closed. It ends when told to give up. */
  finishFirst(finish: (giveUp: AbortSignal) => Promise<void>): void {
    this.#finishing.push(finish);
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
    setTimeout(() => this.#late.abort(), LATE_MS).unref();
    this.#draining.abort(new Error('The server stops.'));
    const giveUp = AbortSignal.timeout(FINISH_MS);
    for (const outcome of await Promise.allSettled(this.#finishing.map((finish) => finish(giveUp)))) {
      if (outcome.status === 'rejected') this.#log.error({ err: outcome.reason }, 'not finished');
    }
    await this.run();
    clearTimeout(timer);
    this.#log.info('stopped');
    // Runs that were broken off keep promises open for ever, on purpose.
    process.exit(0);
  }

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
