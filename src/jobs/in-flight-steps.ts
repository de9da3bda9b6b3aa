import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../observe/logger.ts';
import { DatabaseRetry } from './database-retry.ts';

/** Time that aborted steps get for their cleanup, such as removing files that they wrote. */
const SETTLE_TIMEOUT_MS = 3000;

/** Steps that this process executes. Shutdown aborts them; they run again after the restart. */
export class InFlightSteps {
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  readonly #running = new Set<Promise<unknown>>();
  readonly #retry: DatabaseRetry;

  constructor(stopping: AbortSignal, log: Logger) {
    this.stopping = stopping;
    this.#retry = new DatabaseRetry(log);
    stopping.addEventListener('abort', () => this.#retry.end());
  }

  /**
   * Runs a step's work, and repeats it while the database is unavailable, which does not use up one of the step's ten attempts.
   * If the process stops meanwhile, the promise never settles, because the step must not count as failed.
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const running = this.#retry.call('step', work);
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      if (this.stopping.aborted) return new Promise<never>(() => {});
      throw error;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Waits for the cleanup of all steps that were running when the process began to stop, up to {@link SETTLE_TIMEOUT_MS}. */
  async settled(): Promise<void> {
    const waiting = new AbortController();
    const timeout = sleep(SETTLE_TIMEOUT_MS, undefined, { signal: waiting.signal }).catch(() => {});
    await Promise.race([Promise.allSettled(this.#running), timeout]);
    waiting.abort();
  }
}
