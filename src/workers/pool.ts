import { availableParallelism } from 'node:os';
import { type ErrorCode, ReelvecError } from '../errors.ts';
import type { Job, OnProgress, Reply, Results } from './protocol.ts';
import { type ProcessOptions, SupervisedProcess, WorkerLost } from './supervised-process.ts';

export interface PoolOptions extends ProcessOptions {
  /** Maximum number of processes; default: the number of cores. They start on demand. */
  readonly size?: number;
  /** Called for each worker lost during a job. */
  readonly onLost?: (error: WorkerLost) => void;
}

export interface RunOptions {
  /** Kills the worker when aborted. */
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

/** Pool of supervised media workers with a queue. */
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

  /** Total run time by kind of job, in seconds. */
  get seconds(): ReadonlyMap<string, number> {
    return this.#seconds;
  }

  /**
   * Runs a job on the next free worker. An abort during the job kills the worker, which frees its core at once.
   * @throws {ReelvecError} if the media is at fault
   * @throws {WorkerLost} if the worker was lost; the job can be retried
   * @throws {WorkerNotStarted} if no worker could be started
   * @throws the signal's reason
   */
  async run<Kind extends Job['kind']>(
    job: Extract<Job, { kind: Kind }>,
    options: RunOptions = {},
  ): Promise<Results[Kind]> {
    const { signal, onProgress } = options;
    await this.#acquireSlot(signal);
    try {
      signal?.throwIfAborted();
      const worker = this.#takeIdle() ?? (await this.#start());
      const abort = () => worker.kill('was stopped');
      signal?.addEventListener('abort', abort, { once: true });
      const started = performance.now();
      try {
        // An abort during the worker's start fires no event on a listener added after it.
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
      this.#releaseSlot();
    }
  }

  /** Kills all workers. Running and queued jobs reject with `WorkerLost`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const worker of this.#all) worker.kill('was stopped with the server');
    for (const next of this.#waiting.splice(0)) next();
  }

  /** Acquires a slot, in order of arrival. */
  async #acquireSlot(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#busy < this.#size) {
      this.#busy++;
    } else if (!this.#closed) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const abort = () => {
        const position = this.#waiting.indexOf(resolve);
        if (position === -1) return;
        this.#waiting.splice(position, 1);
        reject(signal?.reason);
      };
      this.#waiting.push(resolve);
      signal?.addEventListener('abort', abort, { once: true });
      await promise.finally(() => signal?.removeEventListener('abort', abort));
    }
    if (this.#closed) throw new WorkerLost('The media workers are closed.');
  }

  /** Passes the slot to the first waiting job, so that a new one cannot overtake it. */
  #releaseSlot(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#busy--;
  }

  /** Takes an idle worker. Drops those that died while idle, which would cost the job an attempt. */
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
