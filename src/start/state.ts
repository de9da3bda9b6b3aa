import { join } from 'node:path';
import { DedupedMedia } from '../assets/deduped-media.ts';
import { UploadRepository } from '../assets/multipart/repository.ts';
import { AssetRepository } from '../assets/repository.ts';
import { describeLocation, openBlobStore, openUploadStore, sweepTemporary } from '../blobs/open.ts';
import type { BlobStore } from '../blobs/store.ts';
import type { UploadStore } from '../blobs/uploads.ts';
import type { Config } from '../config.ts';
import { type Db, databaseLocation, isNewDatabase, openDatabase, withLock } from '../database/open.ts';
import { openPostgresAsyncCommit } from '../database/postgres.ts';
import { isDatabaseUnavailable } from '../database/unavailable.ts';
import { IdempotencyKeys } from '../idempotency/keys.ts';
import { JobEngine } from '../jobs/engine.ts';
import { KeyRepository } from '../keys/repository.ts';
import type { Logger } from '../observe/logger.ts';
import { Quotas } from '../quotas/quotas.ts';
import { BlobsRefused, claimBlobs, examineClaim } from '../retention/claim.ts';
import { sweepOrphans } from '../retention/sweep.ts';
import { TaskRepository } from '../tasks/repository.ts';
import { DeliveryRepository } from '../webhooks/deliveries.ts';
import { keepFilesPrivate, lockDataFolder, protectDataFolder } from './data-folder.ts';
import type { ShutdownList } from './shutdown.ts';

/** All that outlives a process. */
export interface State {
  readonly db: Db;
  readonly engine: JobEngine;
  readonly blobs: BlobStore;
  readonly dedupedMedia: DedupedMedia;
  readonly uploadStore: UploadStore;
  readonly keys: KeyRepository;
  readonly idempotency: IdempotencyKeys;
  readonly tasks: TaskRepository;
  readonly assets: AssetRepository;
  readonly uploads: UploadRepository;
  readonly deliveries: DeliveryRepository;
  readonly quotas: Quotas;
}

/** Opens what a server or worker keeps: in a folder that it has for itself, or shared with the other nodes. */
export async function openState(config: Config, shutdown: ShutdownList, log: Logger): Promise<State> {
  const { databaseUrl } = config;
  keepFilesPrivate();
  if (!databaseUrl) {
    const folder = lockDataFolder(config.dataDir);
    shutdown.add('data folder', () => folder[Symbol.dispose]());
    protectDataFolder(config.dataDir, log);
  }
  const blobs = await openBlobStore(config);
  shutdown.add('blobs', async () => blobs[Symbol.asyncDispose]());
  const place = describeLocation(config.blobs);
  if (isNewDatabase(databaseLocation(config))) await refuseLostDatabase(blobs, place);
  const { db, asyncDb, engine } = databaseUrl
    ? await openShared(databaseUrl, shutdown, log)
    : await openEmbedded(config, shutdown, log);
  await claimBlobs({ db, blobs, place });
  await sweepTemporary(blobs, config);
  const deliveries = new DeliveryRepository(db);
  const state = {
    db,
    engine,
    blobs,
    dedupedMedia: new DedupedMedia(db, blobs),
    uploadStore: openUploadStore(config),
    keys: new KeyRepository(db),
    idempotency: new IdempotencyKeys(db),
    tasks: new TaskRepository(db, { asyncDb, onEnded: deliveries.recorder(config.webhooks) }),
    assets: new AssetRepository(db),
    uploads: new UploadRepository(db),
    deliveries,
    quotas: new Quotas(db, config.quotas),
  };
  // Nodes that share a database have one of them sweep every hour. A server alone may never run at that time.
  if (!databaseUrl) await sweepOrphans({ ...state, keep: config, place, log });
  return state;
}

/** An empty file where the lost one belongs would only be in the way: the new database is tried in memory. */
async function refuseLostDatabase(blobs: BlobStore, place: string): Promise<void> {
  await using db = await openDatabase(':memory:');
  const { refusal } = await examineClaim({ db, blobs, place });
  if (refusal !== undefined) throw new BlobsRefused(refusal);
}

async function openEmbedded(config: Config, shutdown: ShutdownList, log: Logger) {
  const db = await openDatabase(databaseLocation(config));
  shutdown.add('database', () => db.destroy());
  const engine = await JobEngine.openEmbedded(join(config.dataDir, 'jobs.db'), log);
  shutdown.add('jobs', () => engine.close());
  return { db, asyncDb: db, engine };
}

async function openShared(url: string, shutdown: ShutdownList, log: Logger) {
  // Who waits for a query hears that the database is away. The driver rejects promises that nobody waits for as well,
  // and they must not end the node.
  process.on('unhandledRejection', (error) => {
    if (!isDatabaseUnavailable(error)) throw error;
    log.warn({ err: error }, 'the database is away');
  });
  const db = await openDatabase(url);
  shutdown.add('database', () => db.destroy());
  const asyncDb = openPostgresAsyncCommit(url);
  shutdown.add('asyncDb', () => asyncDb.destroy());
  const engine = await withLock(db, 'migrations', () => JobEngine.openShared(url, log));
  shutdown.add('jobs', () => engine.close());
  return { db, asyncDb, engine };
}
