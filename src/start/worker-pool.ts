import { availableParallelism } from 'node:os';
import type { Config } from '../config.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import type { EncodeSettings } from '../encode/settings.ts';
import { causeText } from '../observe/cause.ts';
import type { Logger } from '../observe/logger.ts';
import { WorkerPool } from '../workers/pool.ts';

export interface WorkerPoolOptions {
  readonly size: number;
  /** Bundle, by its configured name or path; undefined for workers that only decode. */
  readonly bundle?: Pick<BundleInfo, 'name' | 'memoryBytes'>;
  /** True if the workers call inference servers. Only they receive the credentials. Default: false. */
  readonly usesNetwork?: boolean;
  readonly log?: Logger;
  /** Lowers the priority of the workers. Default: true in a server, whose main thread comes first; false in commands. */
  readonly lowPriority?: boolean;
}

/** Pool of media workers within the configured limits. */
export function workerPool(config: Config, options: WorkerPoolOptions): WorkerPool {
  const { size, bundle, usesNetwork = false, log, lowPriority = log !== undefined } = options;
  const settings = encodeSettings(config);
  return new WorkerPool({
    entry: new URL('./media-worker.ts', import.meta.url),
    args: bundle ? [bundle.name] : [],
    initialMessage: usesNetwork
      ? settings
      : { ...settings, inference: { ...settings.inference, authorization: undefined } },
    usesNetwork,
    size,
    memoryBytes: config.workerMemoryBytes + (bundle?.memoryBytes ?? 0),
    stallTimeoutMs: config.workerSilenceMs,
    lowPriority,
    onLost: (error) => log?.warn({ reason: error.message, cause: causeText(error) }, 'media worker lost'),
  });
}

/** Settings of the workers' encoders. Together, the workers have one thread per core. */
export function encodeSettings({
  modelsDir,
  device,
  requestedDevice,
  modelIdleMs,
  workers,
  inference,
}: Config): EncodeSettings {
  return {
    inference,
    modelsDir,
    device,
    speechDevice: requestedDevice ?? device,
    modelIdleMs,
    threads: Math.max(1, Math.floor(availableParallelism() / Math.max(1, workers))),
  };
}
