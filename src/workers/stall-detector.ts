import type { Usage } from './process-usage.ts';

/** So often within the silence allowed it is looked at. */
export const CHECKS_PER_TIMEOUT = 10;
/** A process that gets no core has so many times the silence allowed, by the clock. */
const PATIENCE = 10;
/** Who was on a core for this share of its silence was at work, and got nowhere. */
const BUSY_SHARE = 0.5;

/** `hung`: it worked all the while and got nowhere. `stalled`: it did nothing, or could not; what it works on may be fine. */
export type Verdict = 'hung' | 'stalled';

/**
 * How long a process has given no sign of life. Time in which it was ready to go on and got no core does not count: on
 * a machine that has too much to do everybody is slow. Nor does time in which nobody looked, because the one who looks
 * got no core either.
 */
export class StallDetector {
  readonly #allowedMs: number;
  #lookedAt: number;
  #before: Usage | undefined;
  /** Since the last sign of life: by the clock, what of it counts, and what of that the process was on a core. */
  #passedMs = 0;
  #silentMs = 0;
  #workedMs = 0;

  constructor(allowedMs: number, nowMs: number) {
    this.#allowedMs = allowedMs;
    this.#lookedAt = nowMs;
  }

  /** There was a sign of life. */
  reset(nowMs: number): void {
    this.#lookedAt = nowMs;
    this.#passedMs = this.#silentMs = this.#workedMs = 0;
  }

  /**
   * @param usage of the process so far, where it is known
   * @returns what to think of the process when it was silent for too long
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
    return this.#passedMs >= PATIENCE * this.#allowedMs ? 'stalled' : undefined;
  }

  /** Threads that have ended take their share with them. */
  #since(usage: Usage | undefined, what: keyof Usage): number {
    return usage && this.#before ? Math.max(0, usage[what] - this.#before[what]) : 0;
  }
}
