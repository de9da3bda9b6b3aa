import type { Config } from '../config.ts';
import { describeBundle } from '../encode/bundles.ts';
import type { Logger } from '../observe/logger.ts';
import type { WorkerPool } from '../workers/pool.ts';
import { workerPool } from './worker-pool.ts';

/** A pool of the child processes that decode and embed, within the configured limits. */
export function mediaWorkers(config: Config, { size, log }: { size: number; log?: Logger }): WorkerPool {
  const { memoryBytes } = describeBundle(config.bundle);
  return workerPool(config, { bundle: { name: config.bundle, memoryBytes }, size, log });
}
