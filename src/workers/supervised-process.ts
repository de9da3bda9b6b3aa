import { type ChildProcess, fork } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';
import { childEnvironment, childFlags } from './environment.ts';
import { residentBytes, usageOf } from './process-usage.ts';
import type { OnProgress, Reply, Request } from './protocol.ts';
import { CHECKS_PER_TIMEOUT, StallDetector } from './stall-detector.ts';

/** Added to the parent's nice value for a low-priority process. */
const NICE_INCREMENT = 10;

export interface ProcessOptions {
  /** Entry module of the child. */
  readonly entry: URL;
  readonly args: readonly string[];
  /** First message to the child. Secrets belong here, because every user of the machine can read arguments. */
  readonly initialMessage?: object;
  /** True if the child connects to servers over TLS: it inherits the variables that configure trusted certificates. */
  readonly usesNetwork?: boolean;
  /** Resident memory at which the child is killed, in bytes. */
  readonly memoryBytes: number;
  /** Time without a reply, while a job runs, after which the child is killed, in milliseconds: see {@link StallDetector}. */
  readonly stallTimeoutMs: number;
  /** Runs the child at a lower scheduling priority than this process. */
  readonly lowPriority?: boolean;
}

/** A child was lost during a job. The job may be retried on another. */
export class WorkerLost extends Error {
  override name = 'WorkerLost';
}

/** A child made no progress without using a core: frozen, waiting, or on an overloaded machine. */
export class WorkerStalled extends WorkerLost {
  override name = 'WorkerStalled';
}

/** A child was killed from outside, mostly by the kernel's out-of-memory killer. Its input may be fine. */
export class WorkerKilled extends WorkerStalled {
  override name = 'WorkerKilled';
}

/** No child could be started. This says nothing about the media. */
export class WorkerNotStarted extends Error {
  override name = 'WorkerNotStarted';
}

/** Signals of crashes in the child's own code. Any other signal comes from outside. */
const CRASH_SIGNALS: ReadonlySet<NodeJS.Signals> = new Set([
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGILL',
  'SIGSEGV',
  'SIGSYS',
  'SIGTRAP',
]);

/** Time limit from fork to the child's first message. */
const START_TIMEOUT_MS = 30_000;
/** Interval of the checks of resident memory. */
const MEMORY_CHECK_INTERVAL_MS = 250;
/** Length of the end of stderr that is kept to explain a child's death. */
const STDERR_TAIL_CHARS = 2000;

/**
 * V8 flags that keep a child's memory level over hours of media.
 * - Young generation: V8 would let it grow to three times 16 MB, though few objects in a child live long.
 * - Collector threads take more time than they save when every core has a child.
 * - Incremental marking runs three times as often and sometimes finishes late. It avoids pauses of 20 ms, which do not matter
 *   in a child.
 */
const NODE_FLAGS = ['--max-semi-space-size=2', '--single-threaded-gc', '--no-incremental-marking'];
/**
 * glibc settings. With its dynamic thresholds, glibc would move blocks of megabytes, such as an MP4's index, into its heap,
 * where memory freed between other blocks is not returned.
 */
const MALLOC_VARIABLES = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '2' };

/**
 * Owns one child process: starts it within a time limit, watches its progress and memory, kills it. There is no graceful stop:
 * a child holds nothing that needs cleanup, and native code would not react.
 */
export class SupervisedProcess {
  readonly #child: ChildProcess;
  readonly #options: ProcessOptions;
  readonly #memoryTimer: NodeJS.Timeout;
  #stallDetector: StallDetector | undefined;
  #onReply: ((reply: Reply) => void) | undefined;
  #onLost: ((error: WorkerLost) => void) | undefined;
  #cause: string | undefined;
  #Lost = WorkerLost;
  #stderrTail = '';
  #exited = false;

  private constructor(options: ProcessOptions) {
    this.#options = options;
    this.#child = fork(options.entry, options.args, {
      serialization: 'advanced',
      execArgv: [...childFlags(process.execArgv), ...NODE_FLAGS],
      // The parent's pid is passed, because the parent may be gone before the child runs.
      env: { ...MALLOC_VARIABLES, ...childEnvironment(process.env, options), REELVEC_PARENT_PID: String(process.pid) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    // Errors are ignored here: a dead child is reported by `close`.
    if (options.initialMessage !== undefined) this.#child.send(options.initialMessage, () => {});
    this.#child.stderr?.on('data', (text: Buffer) => {
      this.#stderrTail = (this.#stderrTail + text).slice(-STDERR_TAIL_CHARS);
    });
    this.#child.on('message', (reply: Reply) => {
      this.#stallDetector?.reset(performance.now());
      this.#onReply?.(reply);
    });
    this.#child.on('error', (error) => this.#lost(error.message));
    // `close` and not `exit`: by then stderr has been read to its end.
    this.#child.on('close', (code, signal) => this.#closed(code, signal));
    this.#memoryTimer = setInterval(() => this.#checkMemory(), MEMORY_CHECK_INTERVAL_MS);
    this.#memoryTimer.unref();
  }

  /** Starts a child and waits for its first message. @throws {WorkerNotStarted} */
  static async start(options: ProcessOptions): Promise<SupervisedProcess> {
    const process = new SupervisedProcess(options);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => process.kill('did not start in time'), START_TIMEOUT_MS);
    process.#onReply = (reply) => reply.type === 'started' && resolve();
    process.#onLost = reject;
    try {
      await promise;
    } catch (error) {
      const { message, cause } = error as WorkerLost;
      throw new WorkerNotStarted(
        `No media worker could be started. ${message}${cause === undefined ? '' : `\n${cause}`}`,
      );
    } finally {
      clearTimeout(timer);
      process.#onReply = process.#onLost = undefined;
    }
    if (options.lowPriority) {
      try {
        setPriority(process.#child.pid!, Math.min(getPriority() + NICE_INCREMENT, constants.priority.PRIORITY_LOW));
      } catch {
        // Containers may forbid it. The child then runs at normal priority.
      }
    }
    return process;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** False once the child was lost or is being killed. */
  get alive(): boolean {
    return !this.#exited && this.#cause === undefined;
  }

  /**
   * Runs one job. The caller must not overlap jobs.
   * @returns the last reply, `done` or `failed`
   * @throws {WorkerLost} if the child crashed, stalled, exceeded its memory limit or was killed
   */
  async run(request: Request, onProgress?: OnProgress): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#onLost = reject;
    this.#onReply = (reply) => {
      if (reply.type === 'progress') onProgress?.(reply.doneSec, reply.segments);
      else resolve(reply);
    };
    const { stallTimeoutMs } = this.#options;
    this.#stallDetector = new StallDetector(stallTimeoutMs, performance.now());
    const timer = setInterval(() => this.#checkProgress(), stallTimeoutMs / CHECKS_PER_TIMEOUT);
    if (!this.alive) reject(new WorkerLost(`The media worker ${this.#cause ?? 'is gone'}.`));
    else this.#child.send(request, (error) => error && this.#lost(error.message));
    try {
      return await promise;
    } finally {
      clearInterval(timer);
      this.#onReply = this.#onLost = this.#stallDetector = undefined;
    }
  }

  /** Kills the child. @param cause explains the loss, after "The media worker" */
  kill(cause: string): void {
    this.#cause ??= cause;
    this.#child.kill('SIGKILL');
  }

  /** Reports the child's exit. A signal that this class did not send counts as killed from outside. */
  #closed(code: number | null, signal: NodeJS.Signals | null): void {
    const isKilled = signal !== null && !CRASH_SIGNALS.has(signal) && this.#cause === undefined;
    if (isKilled) this.#Lost = WorkerKilled;
    const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
    const why = signal === 'SIGKILL' ? ': most likely the machine or the container has run out of memory' : '';
    this.#lost(isKilled ? `${how}, which reelvec did not send${why}` : how);
  }

  #lost(how: string): void {
    clearInterval(this.#memoryTimer);
    this.#exited = true;
    const stderrTail = this.#stderrTail.trim();
    this.#onLost?.(
      new this.#Lost(`The media worker ${this.#cause ?? how}.`, { cause: stderrTail === '' ? undefined : stderrTail }),
    );
  }

  #checkProgress(): void {
    const verdict = this.#stallDetector?.check(performance.now(), usageOf(this.#child.pid));
    if (verdict === undefined || !this.alive) return;
    const isHung = verdict === 'hung';
    if (!isHung) this.#Lost = WorkerStalled;
    this.kill(`made no progress in ${this.#options.stallTimeoutMs / 1000} s${isHung ? ' of work' : ''}`);
  }

  #checkMemory(): void {
    const bytes = residentBytes(this.#child.pid);
    if (bytes > this.#options.memoryBytes) {
      this.kill(`took more than ${Math.round(this.#options.memoryBytes / 1024 ** 2)} MB of memory, which is its limit`);
    }
  }
}
