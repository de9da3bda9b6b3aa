import { availableParallelism } from 'node:os';
import { type ErrorCode, ReelvecError } from '../errors.ts';
import type { Job, OnProgress, Reply, Results } from './protocol.ts';
import { type ProcessOptions, SupervisedProcess, WorkerLost } from './supervised-process.ts';

export interface PoolOptions extends ProcessOptions {
  /** Processes at the most; they start when there is work for them. */
  readonly size?: number;
  /** Told of every worker that dies on a job, and why. */
  readonly onLost?: (error: WorkerLost) => void;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

/** A fixed number of supervised media workers, and a queue before them. */
export class WorkerPool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #size: number;
  readonly #idle: SupervisedProcess[] = [];
  readonly #all = new Set<SupervisedProcess>();
  readonly #waiting: (() => void)[] = [];
  readonly #seconds = new Map<string, number>();
  #busy = 0;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#size = options.size ?? availableParallelism();
  }

  /** How long jobs of each kind have run so far, in seconds. */
  get seconds(): ReadonlyMap<string, number> {
    return this.#seconds;
  }

  /**
   * Runs a job on the next free worker. An abort while it runs kills the worker, which frees the core at once.
   * @throws {ReelvecError} when the media is at fault
   * @throws {WorkerLost} when the worker died on it: try again
   * @throws {WorkerNotStarted} when there is no worker to be had
   * @throws the signal's reason
   */
  async run<Kind extends Job['kind']>(
    job: Extract<Job, { kind: Kind }>,
    options: RunOptions = {},
  ): Promise<Results[Kind]> {
    const { signal, onProgress } = options;
    await this.#turn(signal);
    try {
      signal?.throwIfAborted();
      const worker = this.#takeIdle() ?? (await this.#start());
      const abort = () => worker.kill('was stopped');
      signal?.addEventListener('abort', abort, { once: true });
      const started = performance.now();
      try {
        // Aborted while the worker started, the signal tells nobody any more.
        signal?.throwIfAborted();
        const reply = await worker.run({ type: 'run', job }, onProgress);
        if (reply.type === 'done') return reply.result as Results[Kind];
        throw failure(reply);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof WorkerLost && !this.#closed) this.#options.onLost?.(error);
        throw error;
      } finally {
        signal?.removeEventListener('abort', abort);
        const seconds = (performance.now() - started) / 1000;
        this.#seconds.set(job.kind, (this.#seconds.get(job.kind) ?? 0) + seconds);
        if (worker.alive && !this.#closed) this.#idle.push(worker);
        else this.#all.delete(worker);
      }
    } finally {
      this.#release();
    }
  }

  /** Kills every worker; jobs that run or wait end with `WorkerLost`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const worker of this.#all) worker.kill('was stopped with the server');
    for (const next of this.#waiting.splice(0)) next();
  }

  /** Waits for a free place and takes it. */
  async #turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#busy < this.#size) {
      this.#busy++;
    } else if (!this.#closed) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const abort = () => {
        const place = this.#waiting.indexOf(resolve);
        if (place === -1) return;
        this.#waiting.splice(place, 1);
        reject(signal?.reason);
      };
      this.#waiting.push(resolve);
      signal?.addEventListener('abort', abort, { once: true });
      await promise.finally(() => signal?.removeEventListener('abort', abort));
    }
    if (this.#closed) throw new WorkerLost('The media workers are closed.');
  }

  /** Hands the place to the next in line, so that nobody slips in between. */
  #release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#busy--;
  }

  /** One that died while it had nothing to do must not cost a job an attempt. */
  #takeIdle(): SupervisedProcess | undefined {
    for (;;) {
      const worker = this.#idle.pop();
      if (!worker || worker.alive) return worker;
      this.#all.delete(worker);
    }
  }

  async #start(): Promise<SupervisedProcess> {
    const worker = await SupervisedProcess.start(this.#options);
    this.#all.add(worker);
    if (this.#closed) worker.kill('was stopped with the server');
    return worker;
  }
}

function failure(reply: Exclude<Reply, { type: 'done' }>): Error {
  if (reply.type !== 'failed') return new Error(`The media worker answered a job with "${reply.type}".`);
  const { name = 'Error', message, code, details, stack } = reply;
  if (code !== undefined) return new ReelvecError(code as ErrorCode, message, { details });
  return Object.assign(new Error(message), { name, stack });
}
