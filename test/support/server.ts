import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkAnswersOf } from './checked-fetch.ts';
import { BLOBS_ON_S3, s3Settings } from './s3.ts';

export const ROOT = join(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
/** What `npm start` gives Node for a server. */
export const NODE_FLAGS: readonly string[] = scripts.start.match(/--\S+/g);
const START_TIMEOUT_MS = 120_000;
export const KEY = 'test-key';

/** A real server in a process of its own, on a free port. */
export interface RunningServer extends AsyncDisposable {
  /** With the version: `http://127.0.0.1:PORT/v1.3`. */
  readonly url: string;
  readonly pid: number;
  /** What it has printed so far. */
  output(): string;
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
}

export interface ServerOptions {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Answers are not held to the OpenAPI document. */
  readonly unchecked?: boolean;
  /** Of the code; default: this. */
  readonly root?: string;
  /** For Node, beside those of `npm start`. */
  readonly nodeFlags?: readonly string[];
  /** Most descriptors that the server may have open, and each of its children. */
  readonly openFiles?: number;
}

/** Answers of the server that are read with `fetch` must match its OpenAPI document, unless it is asked not to check. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const server = await startNode(['serve'], /serves (http:\S+)/, options);
  if ((options.root ?? ROOT) === ROOT && !options.unchecked) checkAnswersOf(server.url);
  return server;
}

/** A worker without an API of its own; `url` is where it answers probes. */
export function startWorker({ args = [], ...options }: ServerOptions & { args?: string[] }): Promise<RunningServer> {
  const probed = { ...options, env: { REELVEC_WORKER_PORT: '0', ...options.env } };
  return startNode(['worker', ...args], /probes at (http:\S+)/, probed);
}

async function startNode(
  args: string[],
  urlPattern: RegExp,
  { dataDir, env = {}, root = ROOT, nodeFlags = [], openFiles }: ServerOptions,
) {
  const node = [process.execPath, ...NODE_FLAGS, ...nodeFlags, join(root, 'src/cli.ts'), ...args];
  const [program, ...rest] =
    openFiles === undefined ? node : ['sh', '-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh', ...node];
  const child = spawn(program!, rest, {
    env: {
      PATH: process.env['PATH'],
      REELVEC_PORT: '0',
      REELVEC_DATA_DIR: dataDir,
      REELVEC_API_KEYS: KEY,
      REELVEC_URL_ALLOW: '127.0.0.1',
      // Other tests run beside this one, and give way to nobody.
      REELVEC_WORKER_NICE: '0',
      ...(BLOBS_ON_S3 && (await s3Settings(dataDir))),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = once(child, 'close');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const read = (text: Buffer) => {
    output += text;
    const url = urlPattern.exec(output)?.[1];
    if (url) resolve(url);
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  child.once('close', (code) => reject(new Error(`the server ended with ${code}:\n${output}`)));
  const timer = setTimeout(() => reject(new Error(`the server did not start:\n${output}`)), START_TIMEOUT_MS);
  const url = await promise
    .finally(() => clearTimeout(timer))
    .catch((error) => {
      child.kill('SIGKILL');
      throw error;
    });
  const server: RunningServer = {
    url,
    pid: child.pid!,
    output: () => output,
    stop: () => end(child, ended, 'SIGTERM'),
    kill: async () => {
      await end(child, ended, 'SIGKILL');
    },
    [Symbol.asyncDispose]: async () => {
      await end(child, ended, 'SIGKILL');
    },
  };
  return server;
}

async function end(child: ChildProcess, ended: Promise<unknown>, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal);
  await ended;
  return child.exitCode;
}

/** A folder that goes with the scope it was made in. */
export function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'reelvec-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** Processes whose command line or environment holds a text; for finding what was left behind (Linux). */
export function processesWith(text: string, { in: files = ['cmdline', 'environ'] } = {}): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => files.some((file) => readProc(pid, file).includes(text)))
    .map(Number);
}

/** Processes that a server has or has left behind: itself, those that name its folder, and its workers (Linux). */
export function processesOf({ pid }: Pick<RunningServer, 'pid'>, dataDir: string): number[] {
  return [...processesWith(dataDir), ...processesWith(`REELVEC_PARENT_PID=${pid}\0`, { in: ['environ'] })];
}

/** Child processes of a process (Linux). */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => new RegExp(`^PPid:\\s+${pid}$`, 'm').test(readProc(name, 'status')))
    .map(Number);
}

/** Whether a process runs; one that has ended and was not yet waited for does not. */
export function isAlive(pid: number): boolean {
  return /^State:\s+[^ZX]/m.test(readProc(String(pid), 'status'));
}

/** Waits for something to become true. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  withinMs: number,
  what: string,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** Resident memory of a process, in bytes (Linux). */
export function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readProc(String(pid), 'status'))?.[1] ?? 0) * 1024;
}
