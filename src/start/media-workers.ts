import type { Config } from '../config.ts';
import { usesInferenceServers } from '../encode/bundle-info.ts';
import { bundleFileOf, describeBundle } from '../encode/bundles.ts';
import { SIGNAL } from '../encode/signal/bundle.ts';
import type { WorkerPool } from '../workers/pool.ts';
import { type WorkerPoolOptions, workerPool } from './worker-pool.ts';

export interface MediaWorkersOptions extends Omit<WorkerPoolOptions, 'bundle' | 'usesNetwork'> {
  /** True if jobs embed; false for workers that only inspect media. Default: true. */
  readonly embeds?: boolean;
}

/** Pool of media workers for the configured bundle. */
export function mediaWorkers(config: Config, { embeds = true, ...options }: MediaWorkersOptions): WorkerPool {
  const { name, memoryBytes } = describeBundle(config.bundle);
  const usesNetwork = embeds && name !== SIGNAL.name && usesInferenceServers(bundleFileOf(config.bundle));
  return workerPool(config, { bundle: { name: config.bundle, memoryBytes }, usesNetwork, ...options });
}
