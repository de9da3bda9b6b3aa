import { type Assets, openAssets } from '../assets/open.ts';
import { describeLocation } from '../blobs/open.ts';
import type { Config } from '../config.ts';
import type { Option } from '../domain/option.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import { parseAllowList } from '../http/addresses.ts';
import type { AnyWorkflow } from '../jobs/engine.ts';
import { InFlightSteps } from '../jobs/in-flight-steps.ts';
import { startMaintenance } from '../jobs/maintenance.ts';
import type { Logger } from '../observe/logger.ts';
import { isHeld } from '../retention/hold.ts';
import { sweepWorkflow } from '../retention/workflow.ts';
import { UrlGuard } from '../sources/url-guard.ts';
import { startClaimLoops } from './claim-loops.ts';
import { maintenanceJobs } from './maintenance-jobs.ts';
import { type MediaPools, openMediaPools } from './media-pools.ts';
import type { ShutdownList } from './shutdown.ts';
import type { State } from './state.ts';
import { openTasks, type Tasks } from './tasks.ts';
import { openWebhooks } from './webhooks.ts';

/**
 * Interval of maintenance on each node. Serving nodes should spend their time on requests, so working nodes do it while any
 * is left: see {@link MAINTENANCE_RECENT_MS}.
 */
const MAINTENANCE_INTERVAL_MS = 20_000;
/** Age up to which another node's maintenance counts as recent, and this node skips its own. */
const MAINTENANCE_RECENT_MS = { working: 15_000, answering: 30_000 };

export interface WorkOptions {
  readonly config: Config;
  readonly state: State;
  readonly bundle: BundleInfo;
  /** Options of the chunks that this node accepts; default: all. */
  readonly only?: readonly Option[];
  readonly shutdown: ShutdownList;
  readonly log: Logger;
}

/** Parts of the work on tasks and assets that a serving node needs. */
export interface Work extends Pick<MediaPools, 'probes' | 'probe' | 'mediaSeconds'> {
  readonly urls: UrlGuard;
  readonly assets: Assets;
  readonly startTask: Tasks['start'];
}

/** Opens the work on tasks and assets, and starts to claim runs unless this node has no workers. */
export async function openWork({ config, state, bundle, only, shutdown, log }: WorkOptions): Promise<Work> {
  const { db } = state;
  const steps = new InFlightSteps(shutdown.signal, log);
  const urls = new UrlGuard({ allow: parseAllowList(config.urlAllow) });
  shutdown.add('downloads', () => urls.close());
  const pools = openMediaPools(config, shutdown, log);
  const tasks = openTasks({ config, state, bundle, urls, pools, steps, shutdown, log });
  const assets = openAssets({
    ...state,
    urls,
    limits: config,
    inspectors: pools.inspectors,
    users: {
      tasksUsing: (assetId) => state.tasks.usingAsset(assetId),
      fail: (taskId, error) => state.tasks.setFailed(taskId, error),
    },
    steps,
    log,
  });
  const sweep = sweepWorkflow({ ...state, keep: config, place: describeLocation(config.blobs), log }, steps);
  const webhooks = openWebhooks(state, { config, steps, shutdown, log });
  if (config.workers > 0) {
    startClaimLoops({
      config,
      state,
      bundle,
      only,
      embedChunk: tasks.embedChunk as AnyWorkflow,
      others: [tasks.embedTask, assets.workflow, sweep, webhooks.workflow] as AnyWorkflow[],
      steps,
      shutdown,
    });
    webhooks.watch();
  }
  const stopMaintenance = await startMaintenance({
    db,
    jobs: maintenanceJobs({ state, assets, tasks, sweep, webhooks, log }),
    isHeld: () => isHeld({ db, log }),
    intervalMs: MAINTENANCE_INTERVAL_MS,
    minIntervalMs: config.workers > 0 ? MAINTENANCE_RECENT_MS.working : MAINTENANCE_RECENT_MS.answering,
    log,
  });
  shutdown.add('maintenance', stopMaintenance);
  const { probes, probe, mediaSeconds } = pools;
  return { urls, probes, probe, mediaSeconds, assets, startTask: tasks.start };
}
