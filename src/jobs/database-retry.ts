import { setTimeout as sleep } from 'node:timers/promises';
import { isTransientQueryError } from '../database/unavailable.ts';
import type { Logger } from '../observe/logger.ts';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2000;
/** Longer than any call takes: as long as a lease. A host that is gone without a word would leave calls open for minutes. */
const ANSWER_TIMEOUT_MS = 30_000;

/** Fails like a broken connection when the database does not answer a call in time. */
export async function withTimeout<T>(call: () => Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = Object.assign(new Error(`PostgreSQL did not answer within ${ANSWER_TIMEOUT_MS / 1000} s.`), {
    code: 'CONNECT_TIMEOUT',
  });
  const timer = setTimeout(reject, ANSWER_TIMEOUT_MS, late).unref();
  try {
    return await Promise.race([call(), promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Repeats what fails because the database is away, until it gets an answer. Nothing else could become of a run meanwhile:
 * OpenWorkflow takes a failed call for the outcome of the step or of the whole run, and writes that down for good. What was
 * done and only its answer lost is repeated too. So it must be harmless the second time, or be refused because the run is not
 * held any more; all calls about a run are, and so are steps.
 */
export class DatabaseRetry {
  readonly #log: Logger;
  readonly #ended = new AbortController();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Calls until the database answers. After {@link end} the promise stays pending: the run is not worked on here any more. */
  async call<T>(name: string, call: () => Promise<T>): Promise<T> {
    const { signal } = this.#ended;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      try {
        return await call();
      } catch (error) {
        if (!isTransientQueryError(error)) throw error;
        if (waitMs === FIRST_WAIT_MS) this.#log.warn({ err: error, call: name }, 'waiting for the database');
        await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
        if (signal.aborted) return new Promise<never>(() => {});
      }
    }
  }

  /** Gives up what still waits. */
  end(): void {
    this.#ended.abort();
  }
}

/** An object whose methods are called with retry, and take no longer than {@link withTimeout} allows. */
export function withRetry<T extends object>(target: T, retry: DatabaseRetry): T {
  return new Proxy(target, {
    get(object, name) {
      if (typeof Reflect.get(object, name) !== 'function') return Reflect.get(object, name);
      return (...args: unknown[]) =>
        retry.call(String(name), () => withTimeout(() => (object as Record<PropertyKey, Method>)[name]!(...args)));
    },
  });
}

type Method = (...args: unknown[]) => Promise<unknown>;
