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

/** Persistent state of a node: database, job queue, blobs, and the repositories over them. */
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

/** Opens the state: in a data folder that is locked for this process, or in a database shared with other nodes. */
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
  // A single server may never be running when the hourly sweep is due. Of several nodes, one always is.
  if (!databaseUrl) await sweepOrphans({ ...state, keep: config, place, log });
  return state;
}

/** Refuses blobs of a lost database. Uses an empty database in memory, because a new file would hide that the old one is lost. */
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
  // The caller of a query gets its error. The driver also rejects internal promises, which must not end the process.
  process.on('unhandledRejection', (error) => {
    if (!isDatabaseUnavailable(error)) throw error;
    log.warn({ err: error }, 'database unavailable');
  });
  const db = await openDatabase(url);
  shutdown.add('database', () => db.destroy());
  const asyncDb = openPostgresAsyncCommit(url);
  shutdown.add('asyncDb', () => asyncDb.destroy());
  const engine = await withLock(db, 'migrations', () => JobEngine.openShared(url, log));
  shutdown.add('jobs', () => engine.close());
  return { db, asyncDb, engine };
}
