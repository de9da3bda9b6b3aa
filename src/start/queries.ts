import { join } from 'node:path';
import type { Config } from '../config.ts';
import { isShared } from '../database/open.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import type { Logger } from '../observe/logger.ts';
import { Scratch } from '../queries/scratch.ts';
import { QueryService } from '../queries/service.ts';
import { mediaWorkers } from './media-workers.ts';
import type { ShutdownList } from './shutdown.ts';
import type { State } from './state.ts';
import type { Work } from './work.ts';

/** Text queries come when they come: their models stay loaded. The longest that a timer takes, in milliseconds. */
const NEVER_MS = 2 ** 31 - 1;
/** A folder of another node that may still be in use is younger than this. Milliseconds. */
const ABANDONED_MS = 24 * 3600 * 1000;

/** Opens what answers queries at once: workers of its own, so that no task is ever in the way. They start when needed. */
export async function openQueries({
  config,
  state,
  work,
  bundle,
  shutdown,
  log,
}: {
  config: Config;
  state: State;
  work: Pick<Work, 'urls' | 'probes'>;
  bundle: BundleInfo;
  shutdown: ShutdownList;
  log: Logger;
}): Promise<QueryService> {
  const { queryWorkers: size, maxSegmentSec } = config;
  // Somebody waits for each of a few milliseconds' work: it gets every core, and goes before the work on tasks.
  const encoders = mediaWorkers({ ...config, workers: size, modelIdleMs: NEVER_MS }, { size, log, lowPriority: false });
  shutdown.add('query workers', () => encoders[Symbol.asyncDispose]());
  const media = mediaWorkers(config, { size, log });
  shutdown.add('workers of media queries', () => media[Symbol.asyncDispose]());
  const scratch = new Scratch(join(config.dataDir, 'scratch'));
  await scratch.sweep({ olderThanMs: isShared(state.db) ? ABANDONED_MS : 0 });
  const { assets, blobs, quotas } = state;
  return new QueryService({
    urls: work.urls,
    probes: work.probes,
    assets,
    blobs,
    quotas,
    limits: config,
    bundle,
    maxSegmentSec,
    encoders,
    media,
    scratch,
  });
}
