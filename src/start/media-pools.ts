import type { MediaInspectors } from '../assets/prepare.ts';
import type { Config } from '../config.ts';
import type { MediaInfo } from '../media/info.ts';
import type { Logger } from '../observe/logger.ts';
import type { WorkerPool } from '../workers/pool.ts';
import { runWithRetry } from '../workers/retry.ts';
import { mediaWorkers } from './media-workers.ts';
import type { ShutdownList } from './shutdown.ts';

/** Size of the pool that probes media. Clients wait for probes, which take milliseconds. */
const PROBE_WORKERS = 1;

/** Media workers of a node and their jobs. */
export interface MediaPools {
  /** Embeds chunks of tasks. */
  readonly media: WorkerPool;
  /** Probes media and makes thumbnails. Separate, because clients wait for it. */
  readonly probes: WorkerPool;
  readonly probe: (path: string, signal?: AbortSignal) => Promise<MediaInfo>;
  readonly inspectors: MediaInspectors;
  /** Seconds that the workers of both pools have worked so far, by kind of job. */
  readonly mediaSeconds: () => ReadonlyMap<string, number>;
}

export function openMediaPools(config: Config, shutdown: ShutdownList, log: Logger): MediaPools {
  const media = mediaWorkers(config, { size: config.workers, log });
  shutdown.add('media workers', () => media[Symbol.asyncDispose]());
  const probes = mediaWorkers(config, { size: PROBE_WORKERS, embeds: false, log });
  shutdown.add('probe workers', () => probes[Symbol.asyncDispose]());
  const probe: MediaPools['probe'] = (path, signal) =>
    runWithRetry<'probe'>(probes, { kind: 'probe', path }, { signal });
  return {
    media,
    probes,
    probe,
    inspectors: {
      probe,
      image: (path, signal) => runWithRetry<'image'>(probes, { kind: 'image', path }, { signal }),
      thumbnail: (film, signal) => runWithRetry<'thumbnail'>(probes, { kind: 'thumbnail', ...film }, { signal }),
    },
    mediaSeconds: () => new Map([...probes.seconds, ...media.seconds]),
  };
}
