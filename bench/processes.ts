import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const CLI = join(import.meta.dirname, '../src/cli.ts');
/** Interval of memory samples, in milliseconds. */
const SAMPLE_INTERVAL_MS = 100;

export interface Measured {
  /** Wall time in seconds. */
  readonly wall: number;
  /** Processor time in seconds, of the process and the children that it waited for. */
  readonly cpu: number;
  /** Peak resident memory of any of its processes, in bytes. */
  readonly peak: number;
}

/**
 * Runs a command and measures its processes from outside (Linux; GNU time).
 * @throws Error if it fails
 */
export async function measure(command: string, args: readonly string[]): Promise<Measured> {
  const child = spawn('time', ['-f', '%e %U %S %M', command, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let peak = 0;
  const timer = setInterval(() => {
    for (const pid of family(child.pid!)) peak = Math.max(peak, highWater(pid));
  }, SAMPLE_INTERVAL_MS);
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(timer);
  const [wall = 0, user = 0, system = 0, kilobytes = 0] = errors.trim().split('\n').at(-1)!.split(' ').map(Number);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${errors}`);
  // A sample sees only live processes, and GNU time only those that were waited for.
  return { wall, cpu: user + system, peak: Math.max(peak, kilobytes * 1024) };
}

/** A process and its descendants. */
function family(root: number): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => [Number(pid), Number(/^PPid:\s+(\d+)$/m.exec(status(pid))?.[1])]),
  );
  const members = [root];
  for (const member of members) for (const [pid, parent] of parents) if (parent === member) members.push(pid);
  return members;
}

function highWater(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status(String(pid)))?.[1] ?? 0) * 1024;
}

function status(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return ''; // just ended
  }
}
