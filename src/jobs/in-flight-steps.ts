import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../observe/logger.ts';
import { DatabaseRetry } from './database-retry.ts';

/** What a step does after it was broken off, such as remove what it wrote, gets so long. Milliseconds. */
const SETTLE_MS = 3000;

/** The steps that this process is at. They are broken off when it stops, and go on after the restart. */
export class InFlightSteps {
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #retry: DatabaseRetry;

  constructor(stopping: AbortSignal, log: Logger) {
    this.stopping = stopping;
    this.#retry = new DatabaseRetry(log);
    stopping.addEventListener('abort', () => this.#retry.end(), { once: true });
  }

  /**
   * Runs a step's work, and again when the database was away from it: that is no attempt of the step, of which there are ten.
   * When it is broken off, the promise never settles: the step must not count as failed.
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const underWay = this.#retry.call('step', work);
    this.#underWay.add(underWay);
    try {
      return await underWay;
    } catch (error) {
      if (this.stopping.aborted) return new Promise<never>(() => {});
      throw error;
    } finally {
      this.#underWay.delete(underWay);
    }
  }

  /** Waits until all work has ended that was under way when the process began to stop, but not for ever. */
  async settled(): Promise<void> {
    const waiting = new AbortController();
    const patience = sleep(SETTLE_MS, undefined, { signal: waiting.signal }).catch(() => {});
    await Promise.race([Promise.allSettled(this.#underWay), patience]);
    waiting.abort();
  }
}
