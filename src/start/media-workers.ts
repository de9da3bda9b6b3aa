import type { Config } from '../config.ts';
import { causeText, type Logger } from '../observe/logger.ts';
import { WorkerPool } from '../workers/pool.ts';

/** A pool of the child processes that decode and embed, within the configured limits. */
export function mediaWorkers(config: Config, { size, log }: { size: number; log?: Logger }): WorkerPool {
  return new WorkerPool({
    entry: new URL('./media-worker.ts', import.meta.url),
    args: [config.bundle],
    size,
    memoryBytes: config.workerMemoryBytes,
    silenceMs: config.workerSilenceMs,
    onLost: (error) => log?.warn({ reason: error.message, cause: causeText(error) }, 'media worker lost'),
  });
}
