import type { Usage } from './process-usage.ts';

/** Checks per stall timeout. */
export const CHECKS_PER_TIMEOUT = 10;
/** Wall-clock limit for a process that gets no core, in multiples of the stall timeout. */
const MAX_WALL_TIMEOUTS = 10;
/** Share of the silent time on a core from which a process counts as hung rather than stalled. */
const BUSY_SHARE = 0.5;

/** `hung`: the process used a core without progress. `stalled`: it was idle or got no core, so its input may be fine. */
export type Verdict = 'hung' | 'stalled';

/**
 * Detects a process without progress. Time in which it was runnable and got no core does not count, because on an overloaded
 * machine everything is slow. Nor does time without checks, because then the supervisor itself got no core.
 */
export class StallDetector {
  readonly #allowedMs: number;
  #checkedAtMs: number;
  #lastUsage: Usage | undefined;
  /** Wall-clock time since the last progress. */
  #passedMs = 0;
  /** Part of `#passedMs` that counts: without the time runnable without a core. */
  #silentMs = 0;
  /** Part of `#passedMs` on a core. */
  #workedMs = 0;

  constructor(allowedMs: number, nowMs: number) {
    this.#allowedMs = allowedMs;
    this.#checkedAtMs = nowMs;
  }

  /** Restarts the count: the process made progress. */
  reset(nowMs: number): void {
    this.#checkedAtMs = nowMs;
    this.#passedMs = this.#silentMs = this.#workedMs = 0;
  }

  /**
   * Adds the time since the last check.
   * @param usage CPU time of the process so far, if known
   * @returns the verdict once the process was silent for longer than allowed
   */
  check(nowMs: number, usage: Usage | undefined): Verdict | undefined {
    const passedMs = Math.min(nowMs - this.#checkedAtMs, (2 * this.#allowedMs) / CHECKS_PER_TIMEOUT);
    const [worked, waited] = [this.#since(usage, 'workedMs'), this.#since(usage, 'waitedMs')];
    this.#checkedAtMs = nowMs;
    this.#lastUsage = usage;
    this.#passedMs += passedMs;
    this.#silentMs += passedMs - Math.min(waited, passedMs);
    this.#workedMs += Math.min(worked, passedMs);
    if (this.#silentMs >= this.#allowedMs) return this.#workedMs >= BUSY_SHARE * this.#silentMs ? 'hung' : 'stalled';
    return this.#passedMs >= MAX_WALL_TIMEOUTS * this.#allowedMs ? 'stalled' : undefined;
  }

  /** CPU time since the last check; never negative, because the time of threads that ended is subtracted from the totals. */
  #since(usage: Usage | undefined, what: keyof Usage): number {
    return usage && this.#lastUsage ? Math.max(0, usage[what] - this.#lastUsage[what]) : 0;
  }
}
