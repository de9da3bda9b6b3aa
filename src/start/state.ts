import { Contents } from '../assets/contents.ts';
import { AssetRepository } from '../assets/repository.ts';
import type { Config } from '../config.ts';
import { JobEngine } from '../jobs/engine.ts';
import type { Logger } from '../observe/logger.ts';
import { Quotas } from '../quotas/quotas.ts';
import { sweepOrphans } from '../retention/sweep.ts';
import type { BlobStore } from '../store/blobs.ts';
import { claimBlobs } from '../store/claim.ts';
import { type Db, oneAtATime, openDatabase } from '../store/database.ts';
import { isDatabaseAway } from '../store/database-away.ts';
import { openPostgresForNotes } from '../store/database-postgres.ts';
import { IdempotencyKeys } from '../store/idempotency.ts';
import { KeyRepository } from '../store/keys.ts';
import { describePlace, isOwnFolder, openBlobStore, openUploadStore } from '../store/open-blobs.ts';
import type { UploadStore } from '../store/uploads.ts';
import { TaskRepository } from '../tasks/repository.ts';
import { DeliveryRepository } from '../webhooks/deliveries.ts';
import { lockDataFolder } from './data-folder.ts';
import type { ShutdownList } from './shutdown.ts';

/** All that outlives a process. */
export interface State {
  readonly db: Db;
  readonly engine: JobEngine;
  readonly blobs: BlobStore;
  readonly contents: Contents;
  readonly uploads: UploadStore;
  readonly keys: KeyRepository;
  readonly idempotency: IdempotencyKeys;
  readonly tasks: TaskRepository;
  readonly assets: AssetRepository;
  readonly deliveries: DeliveryRepository;
  readonly quotas: Quotas;
}

/** Opens what a server or worker keeps: in a folder that it has for itself, or shared with the other nodes. */
export async function openState(config: Config, shutdown: ShutdownList, log: Logger): Promise<State> {
  const { databaseUrl } = config;
  const { db, notes, engine } = databaseUrl
    ? await openShared(databaseUrl, shutdown, log)
    : await openEmbedded(config, shutdown, log);
  const blobs = await openBlobStore(config, { alone: isOwnFolder(config) });
  shutdown.add('blobs', async () => blobs[Symbol.asyncDispose]());
  if (!isOwnFolder(config)) await claimBlobs(db, blobs, describePlace(config.blobs));
  const deliveries = new DeliveryRepository(db);
  const state = {
    db,
    engine,
    blobs,
    contents: new Contents(db, blobs),
    uploads: openUploadStore(config),
    keys: new KeyRepository(db),
    idempotency: new IdempotencyKeys(db),
    tasks: new TaskRepository(db, { notes, onEnded: deliveries.recorder(config.webhooks) }),
    assets: new AssetRepository(db),
    deliveries,
    quotas: new Quotas(db, config.quotas),
  };
  // Where there are others, they are in the middle of their work.
  if (!databaseUrl) await sweepOrphans({ ...state, keep: config, log }, { graceMs: 0 });
  return state;
}

async function openEmbedded(config: Config, shutdown: ShutdownList, log: Logger) {
  const folder = lockDataFolder(config.dataDir);
  shutdown.add('data folder', () => folder[Symbol.dispose]());
  const db = await openDatabase(folder.database);
  shutdown.add('database', () => db.destroy());
  const engine = await JobEngine.openEmbedded(folder.jobs, log);
  shutdown.add('jobs', () => engine.close());
  return { db, notes: db, engine };
}

async function openShared(url: string, shutdown: ShutdownList, log: Logger) {
  // Who waits for a query hears that the database is away. The driver rejects promises that nobody waits for as well,
  // and they must not end the node.
  process.on('unhandledRejection', (error) => {
    if (!isDatabaseAway(error)) throw error;
    log.warn({ err: error }, 'the database is away');
  });
  const db = await openDatabase(url);
  shutdown.add('database', () => db.destroy());
  const notes = openPostgresForNotes(url);
  shutdown.add('notes', () => notes.destroy());
  const engine = await oneAtATime(db, 'migrations', () => JobEngine.openShared(url, log));
  shutdown.add('jobs', () => engine.close());
  return { db, notes, engine };
}
