import { execFile } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const TIMEOUT_MS = 60_000;

export interface Outcome {
  /** Exit code. */
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Program and first arguments; default: this Node on src/cli.ts. */
  readonly program?: readonly [string, ...string[]];
}

/** Runs the command line to its end. Of this process's environment it gets only PATH. */
export function reelvec(args: readonly string[], { env = {}, program }: CommandOptions = {}): Promise<Outcome> {
  const [file, ...first] = program ?? [process.execPath, join(ROOT, 'src/cli.ts')];
  return new Promise((resolve, reject) => {
    execFile(
      file,
      [...first, ...args],
      {
        env: { PATH: process.env['PATH'], ...env },
        encoding: 'buffer',
        maxBuffer: 1 << 28,
        timeout: TIMEOUT_MS,
        killSignal: 'SIGKILL',
      },
      (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ code: Number(error?.code ?? 0), stdout, stderr: stderr.toString() });
      },
    );
  });
}
