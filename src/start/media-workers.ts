import { availableParallelism } from 'node:os';
import type { Config } from '../config.ts';
import { describeBundle } from '../encode/bundles.ts';
import type { EncodeSettings } from '../encode/settings.ts';
import { causeText } from '../observe/cause.ts';
import type { Logger } from '../observe/logger.ts';
import { WorkerPool } from '../workers/pool.ts';

/** A pool of the child processes that decode and embed, within the configured limits. */
export function mediaWorkers(config: Config, { size, log }: { size: number; log?: Logger }): WorkerPool {
  return new WorkerPool({
    entry: new URL('./media-worker.ts', import.meta.url),
    args: [config.bundle],
    greeting: encodeSettings(config),
    size,
    memoryBytes: config.workerMemoryBytes + describeBundle(config.bundle).memoryBytes,
    silenceMs: config.workerSilenceMs,
    // A server's own thread answers first; beside a command there is nobody to wait for.
    givesWay: log !== undefined,
    onLost: (error) => log?.warn({ reason: error.message, cause: causeText(error) }, 'media worker lost'),
  });
}

/** How the workers of this machine encode: together they have a thread for each core. */
export function encodeSettings({
  modelsDir,
  device,
  askedDevice,
  modelIdleMs,
  workers,
  inference,
}: Config): EncodeSettings {
  return {
    inference,
    modelsDir,
    device,
    speechDevice: askedDevice ?? device,
    modelIdleMs,
    threads: Math.max(1, Math.floor(availableParallelism() / Math.max(1, workers))),
  };
}
