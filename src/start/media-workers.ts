import type { Config } from '../config.ts';
import { describeBundle } from '../encode/bundles.ts';
import type { WorkerPool } from '../workers/pool.ts';
import { type WorkerPoolOptions, workerPool } from './worker-pool.ts';

/** A pool of the child processes that decode and embed, within the configured limits. */
export function mediaWorkers(config: Config, options: Omit<WorkerPoolOptions, 'bundle'>): WorkerPool {
  const { memoryBytes } = describeBundle(config.bundle);
  return workerPool(config, { bundle: { name: config.bundle, memoryBytes }, ...options });
}
