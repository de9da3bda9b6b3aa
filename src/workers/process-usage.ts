import { readdirSync, readFileSync } from 'node:fs';

/** Scheduler statistics of a process, summed over its threads, in milliseconds. */
export interface Usage {
  /** Time on a core. */
  readonly workedMs: number;
  /** Time runnable without a core. */
  readonly waitedMs: number;
}

/** Reads the scheduler statistics of a process. @returns undefined on systems other than Linux */
export function usageOf(pid: number | undefined): Usage | undefined {
  let [workedMs, waitedMs] = [0, 0];
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      // Nanoseconds: Documentation/scheduler/sched-stats.rst of Linux
      const [worked, waited] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
      workedMs += Number(worked) / 1e6;
      waitedMs += Number(waited) / 1e6;
    }
    return { workedMs, waitedMs };
  } catch {
    return undefined; // not Linux, or the process or a thread has just ended
  }
}

/** Reads the resident memory of a process in bytes. @returns 0 on systems other than Linux */
export function residentBytes(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0; // not Linux, or the process has just ended
  }
}
