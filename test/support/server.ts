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
/** Node flags of `npm start`. */
export const NODE_FLAGS: readonly string[] = scripts.start.match(/--\S+/g);
const START_TIMEOUT_MS = 120_000;
export const KEY = 'test-key';

/** Real server in a child process, on a free port. */
export interface RunningServer extends AsyncDisposable {
  /** API URL with the version: `http://127.0.0.1:PORT/v1.3`. */
  readonly url: string;
  readonly pid: number;
  /** Output so far. */
  output(): string;
  /** Sends SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
  /** Sends SIGKILL and waits for the exit. */
  kill(): Promise<void>;
}

export interface ServerOptions {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Disables the validation of answers against the OpenAPI document. */
  readonly unchecked?: boolean;
  /** Root of the code; default: this repository. */
  readonly root?: string;
  /** Node flags in addition to those of `npm start`. */
  readonly nodeFlags?: readonly string[];
  /** Limit of open descriptors of the server, and of each of its children. */
  readonly openFiles?: number;
}

/** Starts a server. Its answers to `fetch` are validated against its OpenAPI document by default. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const server = await startNode(['serve'], /serves (http:\S+)/, options);
  if ((options.root ?? ROOT) === ROOT && !options.unchecked) checkAnswersOf(server.url);
  return server;
}

/** Starts a worker node without an API. Its `url` answers probes. */
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
      // Other tests run concurrently at normal priority.
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

/** Temporary folder, removed on disposal. */
export function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'reelvec-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** Processes whose command line or environment contains a text, to find orphans (Linux). */
export function processesWith(text: string, { in: files = ['cmdline', 'environ'] } = {}): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => files.some((file) => readProc(pid, file).includes(text)))
    .map(Number);
}

/** Processes of a server, running or orphaned: itself, those that name its folder, and its workers (Linux). */
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

/** True if a process runs. A zombie does not. */
export function isAlive(pid: number): boolean {
  return /^State:\s+[^ZX]/m.test(readProc(String(pid), 'status'));
}

/** Polls until a condition is true. @throws after `withinMs` milliseconds, with `what` in the message */
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

/** Resident memory of a process in bytes (Linux). */
export function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readProc(String(pid), 'status'))?.[1] ?? 0) * 1024;
}
