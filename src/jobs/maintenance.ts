import { type Db, tryWithLock } from '../database/open.ts';
import type { Logger } from '../observe/logger.ts';

/** Periodic work that repairs or removes rows and runs. */
export interface MaintenanceJob {
  /** Name for the log. */
  readonly name: string;
  /** True if the job deletes by age. It is skipped while the clock cannot be trusted. Default: false. */
  readonly deletesByAge?: boolean;
  readonly run: () => Promise<unknown>;
}

export interface MaintenanceOptions {
  readonly db: Db;
  /** Run in this order. After a failed job, the rest wait for the next round. */
  readonly jobs: readonly MaintenanceJob[];
  /** True while nothing may be deleted by age. Asked once per round. */
  readonly isHeld: () => Promise<boolean>;
  readonly intervalMs: number;
  /** Skips a round if any node's last one started less than this long ago. Has no effect without other nodes. */
  readonly minIntervalMs: number;
  readonly log: Logger;
}

/**
 * Runs one round of maintenance, then one per interval. Of several nodes, one runs a round at a time.
 * @returns stops the timer; a round in progress continues
 */
export async function startMaintenance(options: MaintenanceOptions): Promise<() => void> {
  const { db, jobs, isHeld, intervalMs, minIntervalMs, log } = options;
  const runJobs = async () => {
    const held = await isHeld();
    for (const { name, deletesByAge = false, run } of jobs) {
      if (held && deletesByAge) continue;
      try {
        await run();
      } catch (error) {
        return log.error({ err: error, job: name }, 'maintenance failed');
      }
    }
  };
  const runRound = () =>
    tryWithLock(db, 'upkeep', runJobs, { minIntervalMs }).catch((error) =>
      log.error({ err: error }, 'maintenance failed'),
    );
  await runRound();
  const timer = setInterval(runRound, intervalMs);
  return () => clearInterval(timer);
}
