import { setTimeout as sleep } from 'node:timers/promises';
import { isTransientQueryError } from '../database/unavailable.ts';
import type { Logger } from '../observe/logger.ts';

/** Wait before the first retry; each further wait is twice as long. */
const FIRST_RETRY_DELAY_MS = 50;
/** Upper bound of the wait between retries. */
const MAX_RETRY_DELAY_MS = 2000;
/**
 * Time limit of one call, as long as a lease and longer than any call takes. Without it, calls to a host that vanished
 * without closing its connections would stay open for minutes.
 */
const CALL_TIMEOUT_MS = 30_000;

/** Rejects like a broken connection if the database does not answer a call within {@link CALL_TIMEOUT_MS}. */
export async function withTimeout<T>(call: () => Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = Object.assign(new Error(`PostgreSQL did not answer within ${CALL_TIMEOUT_MS / 1000} s.`), {
    code: 'CONNECT_TIMEOUT',
  });
  const timer = setTimeout(reject, CALL_TIMEOUT_MS, late).unref();
  try {
    return await Promise.race([call(), promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Repeats calls that fail because the database is unavailable, until it answers. OpenWorkflow would record such a failure as
 * the outcome of the step or of the whole run. A call whose effect was committed and whose reply was lost is repeated too,
 * so each call must be idempotent, or be rejected once the run is no longer held. All calls about a run are, and so are
 * steps.
 */
export class DatabaseRetry {
  readonly #log: Logger;
  readonly #ended = new AbortController();

  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * Calls until the database answers. After {@link end} the promise stays pending, because the run is no longer executed here.
   * @throws what `call` throws, unless the database is unavailable
   */
  async call<T>(name: string, call: () => Promise<T>): Promise<T> {
    const { signal } = this.#ended;
    for (let waitMs = FIRST_RETRY_DELAY_MS; ; waitMs = Math.min(2 * waitMs, MAX_RETRY_DELAY_MS)) {
      try {
        return await call();
      } catch (error) {
        if (!isTransientQueryError(error)) throw error;
        if (waitMs === FIRST_RETRY_DELAY_MS) this.#log.warn({ err: error, call: name }, 'waiting for the database');
        await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
        if (signal.aborted) return new Promise<never>(() => {});
      }
    }
  }

  /** Stops retrying. Calls that are being retried never settle. */
  end(): void {
    this.#ended.abort();
  }
}

/** Wraps an object so that each of its methods has a time limit ({@link withTimeout}) and is retried. */
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
