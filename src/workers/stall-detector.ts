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
  #lookedAt: number;
  #before: Usage | undefined;
  /** Since the last progress: wall-clock time, the part of it that counts, and the part on a core. */
  #passedMs = 0;
  #silentMs = 0;
  #workedMs = 0;

  constructor(allowedMs: number, nowMs: number) {
    this.#allowedMs = allowedMs;
    this.#lookedAt = nowMs;
  }

  /** Restarts the count: the process made progress. */
  reset(nowMs: number): void {
    this.#lookedAt = nowMs;
    this.#passedMs = this.#silentMs = this.#workedMs = 0;
  }

  /**
   * Adds the time since the last check.
   * @param usage CPU time of the process so far, if known
   * @returns the verdict once the process was silent for too long
   */
  check(nowMs: number, usage: Usage | undefined): Verdict | undefined {
    const passedMs = Math.min(nowMs - this.#lookedAt, (2 * this.#allowedMs) / CHECKS_PER_TIMEOUT);
    const [worked, waited] = [this.#since(usage, 'workedMs'), this.#since(usage, 'waitedMs')];
    this.#lookedAt = nowMs;
    this.#before = usage;
    this.#passedMs += passedMs;
    this.#silentMs += passedMs - Math.min(waited, passedMs);
    this.#workedMs += Math.min(worked, passedMs);
    if (this.#silentMs >= this.#allowedMs) return this.#workedMs >= BUSY_SHARE * this.#silentMs ? 'hung' : 'stalled';
    return this.#passedMs >= MAX_WALL_TIMEOUTS * this.#allowedMs ? 'stalled' : undefined;
  }

  /** CPU time since the last check; never negative, because the time of threads that ended is subtracted from the totals. */
  #since(usage: Usage | undefined, what: keyof Usage): number {
    return usage && this.#before ? Math.max(0, usage[what] - this.#before[what]) : 0;
  }
}
