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

/** Idle time of query models, which stay loaded because clients wait for queries: the maximum delay of a timer. Milliseconds. */
const NEVER_MS = 2 ** 31 - 1;
/** Age at which a scratch folder that another node may have created is abandoned. Milliseconds. */
const ABANDONED_MS = 24 * 3600 * 1000;

/** Opens the service of synchronous queries. It has workers of its own, so that no task delays a query; they start on demand. */
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
  // A client waits, and a query takes milliseconds: it may use every core and has priority over tasks.
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
