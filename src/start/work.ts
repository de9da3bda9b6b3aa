import { UploadRepository } from '../assets/multipart/repository.ts';
import { MultipartUploads } from '../assets/multipart/service.ts';
import { prepareAssetWorkflow } from '../assets/workflow.ts';
import { describeLocation } from '../blobs/open.ts';
import type { Config } from '../config.ts';
import { isShared, tryWithLock } from '../database/open.ts';
import { refreshStatistics } from '../database/statistics.ts';
import type { Option } from '../domain/option.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import { cancelOrphanedRuns } from '../jobs/cancel-orphaned-runs.ts';
import type { AnyWorkflow, WaitingFlow } from '../jobs/engine.ts';
import { InFlightSteps } from '../jobs/in-flight-steps.ts';
import { reconcile } from '../jobs/reconcile.ts';
import type { MediaInfo } from '../media/info.ts';
import type { Logger } from '../observe/logger.ts';
import { isHeld } from '../retention/hold.ts';
import { sweepSlot, sweepWorkflow } from '../retention/workflow.ts';
import { parseAllowList } from '../sources/addresses.ts';
import { openUrlGuard, type UrlGuard } from '../sources/url.ts';
import { bundleId } from '../tasks/embedding.ts';
import type { Task } from '../tasks/repository.ts';
import { TaskStarter } from '../tasks/starter.ts';
import { TaskWork } from '../tasks/work.ts';
import { taskWorkflows } from '../tasks/workflow.ts';
import type { WorkerPool } from '../workers/pool.ts';
import { runWithRetry } from '../workers/retry.ts';
import { mediaWorkers } from './media-workers.ts';
import type { ShutdownList } from './shutdown.ts';
import type { State } from './state.ts';
import { openWebhooks } from './webhooks.ts';

/** Workers that only probe media, while a client waits. */
const PROBE_WORKERS = 1;
/** Slots of runs that wait or download, beside those that embed. */
const IO_CONCURRENCY = 16;
/**
 * Interval of maintenance on each node. Serving nodes should spend their time on requests, so working nodes do it while any
 * is left: see {@link MAINTENANCE_RECENT_MS}.
 */
const MAINTENANCE_INTERVAL_MS = 20_000;
/** Age up to which another node's maintenance counts as recent, and this node skips its own. */
const MAINTENANCE_RECENT_MS = { working: 15_000, answering: 30_000 };
/** Wait of a chunk for a worker with its bundle: longer than any queue should be. */
const BUNDLE_WAIT_SEC = 24 * 3600;
/** Retention of answers to requests with an `Idempotency-Key`. */
const IDEMPOTENCY_TTL_MS = 24 * 3600 * 1000;

export interface WorkOptions {
  readonly config: Config;
  readonly state: State;
  readonly bundle: BundleInfo;
  /** Chunks of tasks that ask for anything else are left to other workers. */
  readonly only?: readonly Option[];
  readonly shutdown: ShutdownList;
  readonly log: Logger;
}

/** What a node that serves needs of the work. */
export interface Work {
  readonly urls: UrlGuard;
  /** Look at media. */
  readonly probes: WorkerPool;
  readonly probe: (path: string, signal?: AbortSignal) => Promise<MediaInfo>;
  readonly multipart: MultipartUploads;
  /** How long this node's media workers have worked so far, by the kind of the job. */
  readonly mediaSeconds: () => ReadonlyMap<string, number>;
  readonly startTask: (task: Task) => Promise<void>;
  readonly startAsset: (assetId: string) => Promise<void>;
}

/** Opens what works on tasks and assets, and starts to work unless this node has no workers. */
export async function openWork({ config, state, bundle, only, shutdown, log }: WorkOptions): Promise<Work> {
  const { db, engine, tasks, assets, blobs, dedupedMedia, uploads, idempotency, quotas } = state;
  const steps = new InFlightSteps(shutdown.signal, log);
  const urls = openUrlGuard({ allow: parseAllowList(config.urlAllow) });
  shutdown.add('downloads', () => urls.close());
  const media = mediaWorkers(config, { size: config.workers, log });
  shutdown.add('media workers', () => media[Symbol.asyncDispose]());
  const probes = mediaWorkers(config, { size: PROBE_WORKERS, embeds: false, log });
  shutdown.add('probe workers', () => probes[Symbol.asyncDispose]());
  const probe = (path: string, signal?: AbortSignal) =>
    runWithRetry<'probe'>(probes, { kind: 'probe', path }, { signal });

  const mediaSeconds = () => new Map([...probes.seconds, ...media.seconds]);

  const { maxSegmentSec } = config;
  const work = new TaskWork({
    db,
    tasks,
    blobs,
    dedupedMedia,
    assets,
    urls,
    limits: config,
    quotas,
    maxSegmentSec,
    bundle,
    media,
    probes,
    log,
    steps,
  });
  const { embedTask, embedChunk } = taskWorkflows(work, (runId) => engine.releaseSlot(runId));
  const maxUrlBytes = Math.max(config.maxVideoBytes, config.maxAudioBytes);
  const prepare = prepareAssetWorkflow(
    {
      assets,
      blobs,
      dedupedMedia,
      urls,
      maxUrlBytes,
      maxImageBytes: config.maxImageBytes,
      quotas,
      inspectors: {
        probe,
        image: (path, signal) => runWithRetry<'image'>(probes, { kind: 'image', path }, { signal }),
        thumbnail: (film, signal) => runWithRetry<'thumbnail'>(probes, { kind: 'thumbnail', ...film }, { signal }),
      },
      log,
    },
    steps,
  );
  const sweep = sweepWorkflow(
    { db, blobs, dedupedMedia, uploads, keep: config, place: describeLocation(config.blobs), log },
    steps,
  );
  const starter = new TaskStarter({
    tasks,
    // Each round is a run of its own.
    enqueue: ({ id, owner, round }) =>
      engine.start(embedTask, { taskId: id, owner }, round === 0 ? id : `${id}-${round}`),
    onSaveFailed: (error) => log.warn({ err: error }, 'run id not saved'),
  });
  shutdown.add('starts', () => starter.flush());
  const startTask = (task: Task) => starter.start(task);
  const startAsset = async (id: string) => {
    const asset = await assets.get(id);
    if (asset) await assets.setRun(id, await engine.start(prepare, { assetId: id, owner: asset.owner }, id));
  };
  const multipart = new MultipartUploads({
    uploads: new UploadRepository(db),
    quotas,
    store: uploads,
    maxBytes: { video: config.maxVideoBytes, audio: config.maxAudioBytes, image: config.maxImageBytes },
    start: startAsset,
    log,
  });
  const webhooks = openWebhooks(state, { config, steps, shutdown, log });

  const maintain = async () => {
    await refreshStatistics(db);
    const held = await isHeld(db);
    if (!held) await multipart.expire();
    await reconcile({
      engine,
      log,
      unstarted: () => tasks.unstarted(),
      started: (page) => tasks.started(page),
      unfinished: (id) => tasks.get(id).then((it) => (it?.status === 'processing' ? it : undefined)),
      start: startTask,
      fail: (id, e) => tasks.setFailed(id, e),
    });
    await reconcile({
      engine,
      log,
      unstarted: () => assets.unstarted(),
      started: (page) => assets.started(page),
      unfinished: (id) => assets.get(id).then((it) => (it?.status === 'processing' ? it : undefined)),
      start: ({ id }) => startAsset(id),
      fail: (id, e) => assets.setFailed(id, e),
    });
    await cancelOrphanedRuns({
      engine,
      workflows: [embedTask, embedChunk] as AnyWorkflow[],
      unfinished: (ids) => tasks.unfinished(ids),
      tidy: (id) => work.tidy(id),
    });
    await webhooks.maintain();
    if (!held) await quotas.prune();
    const { slot, key } = sweepSlot(new Date());
    await engine.start(sweep, { slot }, key);
    if (!held) await idempotency.prune(new Date(Date.now() - IDEMPOTENCY_TTL_MS).toISOString());
    await engine.maintain();
  };
  const minIntervalMs = config.workers > 0 ? MAINTENANCE_RECENT_MS.working : MAINTENANCE_RECENT_MS.answering;
  const runMaintenance = () =>
    tryWithLock(db, 'upkeep', maintain, { minIntervalMs }).catch((error) =>
      log.error({ err: error }, 'maintenance failed'),
    );

  if (config.workers > 0) {
    engine.work({
      workflows: [embedTask, prepare, sweep, webhooks.workflow] as AnyWorkflow[],
      concurrency: IO_CONCURRENCY,
    });
    engine.work({
      workflows: [embedChunk] as AnyWorkflow[],
      concurrency: config.workers,
      accepts: isShared(db) ? acceptance(bundle, only) : undefined,
      hasRoom: (running) => running === 0 || process.availableMemory() > config.workerMemoryBytes,
    });
    webhooks.watch();
    shutdown.add('runs', async () => {
      await engine.drain();
      await steps.settled();
      await engine.releaseLeases();
    });
    // Alone there is nobody to leave anything to, and a person who waits for the end.
    if (isShared(db)) shutdown.finishFirst((giveUp) => engine.finish(giveUp));
  }
  await runMaintenance();
  const timer = setInterval(runMaintenance, MAINTENANCE_INTERVAL_MS);
  shutdown.add('maintenance', () => clearInterval(timer));
  return { urls, probes, probe, multipart, mediaSeconds, startTask, startAsset };
}

/**
 * Accepts chunks of this node's bundle and options. After a day without a matching node, a chunk of another bundle is
 * accepted too: the task then fails with the reason instead of waiting for ever.
 */
function acceptance(bundle: BundleInfo, only: readonly Option[] | undefined): (flow: WaitingFlow) => boolean {
  const own = bundleId(bundle);
  return ({ input: { bundle: asked, options }, ageSec }) =>
    (asked === undefined || asked === own || ageSec > BUNDLE_WAIT_SEC) &&
    (only === undefined || (options as Option[]).every((option) => only.includes(option)));
}
