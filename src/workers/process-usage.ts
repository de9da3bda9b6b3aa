import { readdirSync, readFileSync } from 'node:fs';

/** What the threads of a process have done since it began, in milliseconds. */
export interface Usage {
  /** On a core. */
  readonly workedMs: number;
  /** Ready to go on, with no core to do so. */
  readonly waitedMs: number;
}

/** How a process has used the cores, where the system tells (Linux); elsewhere nothing. */
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
    return undefined; // another system, a thread that has just ended, or the process itself
  }
}

/** Resident memory of a process in bytes, where the system tells it cheaply (Linux); elsewhere 0. */
export function residentBytes(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0; // another system, or it has just ended
  }
}
