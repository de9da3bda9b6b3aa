import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import type { TestRun } from './run-test.ts';
import type { Slot } from './slot.ts';
import type { RunReply, RunRequest, ScriptCoverage } from './worker.ts';

/** Resident memory from which a process is replaced: modules of earlier runs are never freed. */
const MAX_RSS_BYTES = 900 * 1024 ** 2;
/** Time to start a process and load the packages, on a busy machine. */
const START_MS = 60_000;

/** Runs tests in a process that is kept between runs, which saves most of their time. */
export class WarmRunner implements Disposable {
  readonly #slot: Slot;
  #child: ChildProcess | undefined;

  constructor(slot: Slot) {
    this.#slot = slot;
    const stop = () => {
      this.#kill();
      process.exit(1);
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
  }

  async run(
    request: RunRequest,
    { timeoutMs }: { timeoutMs: number },
  ): Promise<TestRun & { coverage?: readonly ScriptCoverage[] }> {
    const started = performance.now();
    const isNew = this.#child === undefined;
    this.#child ??= this.#start();
    const child = this.#child;
    const { promise, resolve } = Promise.withResolvers<RunReply | 'timed out' | 'exited'>();
    const timer = setTimeout(() => resolve('timed out'), timeoutMs + (isNew ? START_MS : 0));
    const onExit = () => resolve('exited');
    child.once('message', resolve).once('exit', onExit);
    child.send(request);
    const reply = await promise;
    clearTimeout(timer);
    child.off('message', resolve).off('exit', onExit);
    const seconds = (performance.now() - started) / 1000;
    if (typeof reply === 'string') {
      this.#kill();
      return { outcome: reply === 'exited' ? 'failed' : 'timed out', failed: reply, seconds };
    }
    if (reply.rssBytes > MAX_RSS_BYTES) this.#kill();
    const { failed, coverage } = reply;
    return { outcome: failed === undefined ? 'passed' : 'failed', failed, seconds, coverage };
  }

  [Symbol.dispose](): void {
    this.#kill();
  }

  #start(): ChildProcess {
    const temporary = this.#slot.path('.tmp');
    mkdirSync(temporary, { recursive: true });
    return fork(new URL('./worker.ts', import.meta.url), {
      cwd: this.#slot.root,
      env: { ...process.env, TMPDIR: temporary, NODE_COMPILE_CACHE: this.#slot.path('.compiled') },
      execArgv: ['--disable-warning=ExperimentalWarning', '--test-reporter=tap'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      detached: true,
    });
  }

  #kill(): void {
    const { pid } = this.#child ?? {};
    this.#child = undefined;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {} // it has ended
    rmSync(this.#slot.path('.tmp'), { recursive: true, force: true, maxRetries: 3 });
  }
}
