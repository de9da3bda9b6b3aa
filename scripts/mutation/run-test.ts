import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Slot } from './slot.ts';

export interface TestRun {
  readonly outcome: 'passed' | 'failed' | 'timed out';
  /** Name of the first test that failed. */
  readonly failed?: string;
  readonly seconds: number;
}

/**
 * Runs a test file in a process group of its own, and kills the group at the first failure.
 * @param timeoutMs wall clock
 * @param env added to the environment of this process
 */
export async function runTest(
  slot: Slot,
  test: string,
  { timeoutMs, env = {} }: { timeoutMs: number; env?: Readonly<Record<string, string>> },
): Promise<TestRun> {
  const started = performance.now();
  const temporary = join(slot.root, '.tmp');
  mkdirSync(temporary, { recursive: true });
  const child = spawn(process.execPath, ['--test-reporter=tap', test], {
    cwd: slot.root,
    env: { ...process.env, TMPDIR: temporary, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const killGroup = () => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {} // no process of the group is left
  };
  // A group of its own gets no Ctrl-C from the terminal.
  const onSignal = () => {
    killGroup();
    process.exit(1);
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  let failed: string | undefined;
  let isLate = false;
  let line = '';
  const timer = setTimeout(() => {
    isLate = true;
    killGroup();
  }, timeoutMs);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (line + text).split('\n');
    line = lines.pop()!;
    failed ??= lines.map((each) => /^\s*not ok \d+ - (.*)/.exec(each)?.[1]).find((name) => name !== undefined);
    if (failed !== undefined) killGroup();
  });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once('exit', resolve);
  child.once('error', () => resolve(null));
  const code = await promise;
  clearTimeout(timer);
  for (const signal of signals) process.off(signal, onSignal);
  killGroup();
  rmSync(temporary, { recursive: true, force: true, maxRetries: 3 });
  const seconds = (performance.now() - started) / 1000;
  if (isLate) return { outcome: 'timed out', seconds };
  if (code === 0) return { outcome: 'passed', seconds };
  return { outcome: 'failed', failed: failed ?? `exit code ${code}`, seconds };
}
