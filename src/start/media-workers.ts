import type { Config } from '../config.ts';
import { WorkerPool } from '../workers/pool.ts';

/** A pool of the child processes that decode and embed, within the configured limits. */
export function mediaWorkers(config: Config, { size }: { size: number }): WorkerPool {
  return new WorkerPool({
    entry: new URL('./media-worker.ts', import.meta.url),
    args: [config.bundle],
    size,
    memoryBytes: config.workerMemoryBytes,
    silenceMs: config.workerSilenceMs,
  });
}
