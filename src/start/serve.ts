import { readFileSync } from 'node:fs';
import { SignedLinks } from '../api/signed-links.ts';
import { buildApp } from '../app.ts';
import { UploadRepository } from '../assets/multipart/repository.ts';
import { MultipartUploads } from '../assets/multipart/service.ts';
import { AssetRepository } from '../assets/repository.ts';
import { AssetService } from '../assets/service.ts';
import { sweepAssetBlobs } from '../assets/sweep.ts';
import { prepareAssetWorkflow } from '../assets/workflow.ts';
import type { Config } from '../config.ts';
import { describeBundle } from '../encode/bundles.ts';
import { type AnyWorkflow, JobEngine } from '../jobs/engine.ts';
import { reconcile } from '../jobs/reconcile.ts';
import { openLogger } from '../observe/logger.ts';
import { parseAllowList } from '../sources/addresses.ts';
import { openUrlGuard } from '../sources/url.ts';
import { openDatabase } from '../store/database.ts';
import { IdempotencyKeys } from '../store/idempotency.ts';
import { KeyRepository } from '../store/keys.ts';
import { openBlobStore, openUploadStore } from '../store/open-blobs.ts';
import { serverSecret } from '../store/secrets.ts';
import { TaskRepository } from '../tasks/repository.ts';
import { sweepTaskBlobs } from '../tasks/sweep.ts';
import { TaskWork } from '../tasks/work.ts';
import { taskWorkflows } from '../tasks/workflow.ts';
import { DeliveryRepository } from '../webhooks/deliveries.ts';
import { WebhookClient } from '../webhooks/post.ts';
import { deliverWorkflow } from '../webhooks/workflow.ts';
import { runTwice } from '../workers/attempts.ts';
import { announce } from './announce.ts';
import { lockDataFolder } from './data-folder.ts';
import { mediaWorkers } from './media-workers.ts';
import { ShutdownList } from './shutdown.ts';

/** Workers for looking at media, which somebody waits for. */
const PROBE_WORKERS = 1;
/** Runs beside those that embed: such as wait for a download. */
const IO_RUNS = 16;
/** How often rows and runs are compared, in milliseconds. */
const RECONCILE_MS = 60_000;
/** How often it is looked what webhooks are to be told, by this node or another, in milliseconds. */
const OUTBOX_MS = 1000;
/** How long the answer to a request with an `Idempotency-Key` is remembered. */
const IDEMPOTENCY_KEPT_MS = 24 * 3600 * 1000;
/** How long the record of what webhooks were told is kept. */
const DELIVERIES_KEPT_MS = 7 * 24 * 3600 * 1000;

/** Runs a server, and works on its tasks, until a signal ends it. Everything is opened in order of need, and closed backwards. */
export async function serve(config: Config): Promise<void> {
  const log = openLogger(config.logLevel);
  const shutdown = new ShutdownList(log);
  const stopping = shutdown.signal;

  try {
    // State
    const folder = lockDataFolder(config.dataDir);
    shutdown.add('data folder', () => folder[Symbol.dispose]());
    const db = await openDatabase(folder.database);
    shutdown.add('database', () => db.destroy());
    const blobs = await openBlobStore(config);
    shutdown.add('blobs', async () => blobs[Symbol.asyncDispose]());
    const engine = JobEngine.open(folder.jobs);
    shutdown.add('jobs', () => engine.close());
    const keys = new KeyRepository(db);
    const idempotency = new IdempotencyKeys(db);
    const deliveries = new DeliveryRepository(db);
    const tasks = new TaskRepository(db, { onEnded: deliveries.recorder(config.webhooks) });
    const assets = new AssetRepository(db);
    await sweepTaskBlobs({ tasks, blobs });
    await sweepAssetBlobs({ assets, blobs });

    // Work
    const bundle = describeBundle(config.bundle);
    const urls = openUrlGuard({ allow: parseAllowList(config.urlAllow) });
    shutdown.add('downloads', () => urls.close());
    const media = mediaWorkers(config, { size: config.workers, log });
    shutdown.add('media workers', () => media[Symbol.asyncDispose]());
    const probes = mediaWorkers(config, { size: PROBE_WORKERS, log });
    shutdown.add('probe workers', () => probes[Symbol.asyncDispose]());
    const probe = (path: string, signal?: AbortSignal) =>
      runTwice<'probe'>(probes, { kind: 'probe', path }, { signal });
    const work = new TaskWork({
      tasks,
      blobs,
      urls,
      limits: config,
      maxSegmentSec: config.maxSegmentSec,
      bundle,
      media,
      probes,
      log,
      stopping,
    });
    const { embedTask, all } = taskWorkflows(work);
    const maxUrlBytes = Math.max(config.maxVideoBytes, config.maxAudioBytes);
    const prepare = prepareAssetWorkflow(
      { assets, blobs, urls, maxUrlBytes, log, probe: (path, { signal }) => probe(path, signal) },
      stopping,
    );
    const startTask = async (taskId: string) => tasks.setRun(taskId, await engine.start(embedTask, { taskId }, taskId));
    const startAsset = async (assetId: string) =>
      assets.setRun(assetId, await engine.start(prepare, { assetId }, assetId));
    const webhooks = new WebhookClient({ allow: parseAllowList(config.urlAllow) });
    shutdown.add('webhooks', () => webhooks.close());
    const deliver = deliverWorkflow({ deliveries, client: webhooks, endpoints: config.webhooks, log, stopping });
    const startDelivery = async (deliveryId: string) => {
      const delivery = await deliveries.get(deliveryId);
      const key = `${deliveryId}/${delivery?.round}`;
      await deliveries.setRun(deliveryId, await engine.start(deliver, { deliveryId }, key));
    };
    const startDeliveries = async () => {
      for (const { id } of await deliveries.waiting()) await startDelivery(id);
    };
    const multipart = new MultipartUploads({
      uploads: new UploadRepository(db),
      store: openUploadStore(config),
      maxBytes: { video: config.maxVideoBytes, audio: config.maxAudioBytes, image: config.maxImageBytes },
      start: startAsset,
      log,
    });
    const reconcileAll = async () => {
      await multipart.expire();
      await reconcile({
        engine,
        log,
        unfinished: () => tasks.unfinished(),
        start: startTask,
        fail: (id, e) => tasks.setFailed(id, e),
      });
      await reconcile({
        engine,
        log,
        unfinished: () => assets.unfinished(),
        start: startAsset,
        fail: (id, e) => assets.setFailed(id, e),
      });
      await reconcile({
        engine,
        log,
        unfinished: () => deliveries.unfinished(),
        start: startDelivery,
        fail: (id, e) => deliveries.setFailed(id, e.message),
      });
      await idempotency.prune(ago(IDEMPOTENCY_KEPT_MS));
      await deliveries.prune(ago(DELIVERIES_KEPT_MS));
    };
    await engine.work([...all, prepare as AnyWorkflow, deliver as AnyWorkflow], config.workers + IO_RUNS);
    shutdown.add('runs', () => engine.stopWork());
    await reconcileAll();
    const timer = setInterval(
      () => reconcileAll().catch((error) => log.error({ err: error }, 'reconcile')),
      RECONCILE_MS,
    );
    shutdown.add('reconcile', () => clearInterval(timer));
    const outbox = setInterval(
      () => startDeliveries().catch((error) => log.error({ err: error }, 'webhooks')),
      OUTBOX_MS,
    );
    shutdown.add('outbox', () => clearInterval(outbox));

    // HTTP
    const newKey =
      config.apiKeys.length === 0 && (await keys.list()).length === 0 ? await keys.create('first start') : undefined;
    const app = await buildApp({
      apiKeys: config.apiKeys,
      keys,
      version: packageVersion(),
      publicUrl: config.publicUrl,
      embedding: { tasks, blobs, urls, assets, probe, limits: config, bundle, start: startTask, log },
      assets: new AssetService({
        assets,
        blobs,
        urls,
        maxUploadBytes: config.maxUploadBytes,
        maxUrlBytes,
        start: startAsset,
        log,
      }),
      idempotency,
      uploads: { multipart, links: new SignedLinks(await serverSecret(db, 'links')) },
      ready: async () => {
        await tasks.get('');
      },
    });
    await app.listen({ host: config.host, port: config.port });
    shutdown.add('HTTP', () => app.close());
    announce({ address: app.server.address(), config, bundle, newKey: newKey?.key });
  } catch (error) {
    await shutdown.run();
    throw error;
  }
  await shutdown.whenSignalled();
}

/** The time so many milliseconds ago, RFC 3339. */
function ago(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}

function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}
