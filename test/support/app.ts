import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { BodyBudget } from '../../src/api/body-budget.ts';
import { SignedLinks } from '../../src/api/signed-links.ts';
import { type AppDeps, buildApp } from '../../src/app.ts';
import { DedupedMedia } from '../../src/assets/deduped-media.ts';
import { UploadRepository } from '../../src/assets/multipart/repository.ts';
import { openAssets } from '../../src/assets/open.ts';
import type { MediaInspectors } from '../../src/assets/prepare.ts';
import { AssetRepository } from '../../src/assets/repository.ts';
import { FolderBlobStore } from '../../src/blobs/folder/store.ts';
import { FolderUploadStore } from '../../src/blobs/folder/uploads.ts';
import { openDatabase } from '../../src/database/open.ts';
import type { Bundle } from '../../src/encode/encoder.ts';
import { createSignalBundle } from '../../src/encode/signal/bundle.ts';
import { ReelvecError } from '../../src/errors.ts';
import { IdempotencyKeys } from '../../src/idempotency/keys.ts';
import { InFlightSteps } from '../../src/jobs/in-flight-steps.ts';
import { KeyRepository } from '../../src/keys/repository.ts';
import { serverSecret } from '../../src/keys/secrets.ts';
import type { MediaInfo } from '../../src/media/info.ts';
import { readStill } from '../../src/media/picture/still.ts';
import { embedQuery, queryPictureFormat } from '../../src/pipeline/embed-query.ts';
import { Scratch } from '../../src/queries/scratch.ts';
import { type QueryDeps, QueryService } from '../../src/queries/service.ts';
import { type QuotaLimits, Quotas } from '../../src/quotas/quotas.ts';
import { TaskRepository } from '../../src/tasks/repository.ts';
import type { WorkerPool } from '../../src/workers/pool.ts';
import type { Job } from '../../src/workers/protocol.ts';
import { VIDEO } from './media-info.ts';

export { AUDIO, VIDEO } from './media-info.ts';

export const CONFIGURED_KEY = 'configured-key';

/** First bytes of an MP4 file. */
export const MP4_HEAD = Buffer.from('00000020667479706d703432000000006d70343269736f6d', 'hex');

export interface TestApp extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly deps: AppDeps;
  readonly tasks: TaskRepository;
  readonly assets: AssetRepository;
  readonly blobs: FolderBlobStore;
  readonly keys: KeyRepository;
  readonly quotas: Quotas;
  /** Ids of the tasks whose run was started. */
  readonly started: string[];
  /** Lines of the log, parsed. */
  readonly log: Record<string, unknown>[];
  /** Result of the prober; tests may change it. */
  media: MediaInfo | Error;
}

/** Workers in this process: images and the encoders of the built-in bundle are real, media facts are given. */
function inProcess(bundle: Bundle, media: () => MediaInfo | Error): Pick<QueryDeps, 'probes' | 'encoders' | 'media'> {
  const run = async (job: Job) => {
    if (job.kind === 'picture') return readStill(job.path, queryPictureFormat(bundle));
    if (job.kind === 'query') return embedQuery(job, bundle);
    const found = media();
    if (job.kind !== 'probe' || found instanceof Error) throw found;
    return found;
  };
  const pool = { run } as WorkerPool;
  return { probes: pool, encoders: pool, media: pool };
}

/** Opens the app over a database in memory and blobs in a temporary folder. No media is decoded or embedded. */
export async function openTestApp(
  change: (deps: AppDeps) => AppDeps = (deps) => deps,
  { limits = {}, bundle = createSignalBundle() }: { limits?: QuotaLimits; bundle?: Bundle } = {},
): Promise<TestApp> {
  const root = await mkdtemp(join(tmpdir(), 'reelvec-app-'));
  const db = await openDatabase(':memory:');
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const blobs = new FolderBlobStore(root);
  const dedupedMedia = new DedupedMedia(db, blobs);
  const tasks = new TaskRepository(db);
  const assets = new AssetRepository(db);
  const quotas = new Quotas(db, limits);
  const keys = new KeyRepository(db);
  const started: string[] = [];
  const check: AppDeps['embedding']['urls']['check'] = async (url) => {
    if (url.host === 'gone.test') {
      throw new ReelvecError('source_unreachable', 'The source at gone.test answered 404 Not Found.');
    }
    return { head: url.pathname.endsWith('.html') ? Buffer.from('<!doctype html><html>') : MP4_HEAD };
  };
  const opened = openAssets({
    assets,
    uploads: new UploadRepository(db),
    blobs,
    dedupedMedia,
    uploadStore: new FolderUploadStore(root),
    quotas,
    urls: { check } as never,
    limits: { maxVideoBytes: 4_000_000, maxAudioBytes: 2_000_000, maxImageBytes: 1_000_000, maxUploadBytes: 1_000_000 },
    inspectors: {} as MediaInspectors,
    users: {
      tasksUsing: (assetId) => tasks.usingAsset(assetId),
      fail: (taskId, error) => tasks.setFailed(taskId, error),
    },
    engine: { start: async (_workflow, _input, key) => key },
    // Nothing prepares assets here, so an upload need not wait for it.
    uploadWaitMs: 0,
    steps: new InFlightSteps(new AbortController().signal, log),
    log,
  });
  const deps = change({
    apiKeys: [CONFIGURED_KEY],
    keys,
    ready: async () => {},
    version: '0.0.0-test',
    modelNames: ['marengo3.0', 'marengo3.5'],
    bodies: new BodyBudget(128 * 1024 ** 2),
    idempotency: new IdempotencyKeys(db),
    queries: new QueryService({
      blobs,
      urls: { check } as never,
      assets,
      limits: { maxVideoBytes: 4_000_000, maxAudioBytes: 2_000_000, maxImageBytes: 1_000_000 },
      bundle,
      maxSegmentSec: 10,
      quotas,
      scratch: new Scratch(join(root, 'scratch')),
      ...inProcess(bundle, () => fixture.media),
    }),
    assets: opened.service,
    uploads: {
      multipart: opened.multipart,
      links: new SignedLinks(await serverSecret(db, 'links')),
    },
    embedding: {
      tasks,
      blobs,
      dedupedMedia,
      urls: { check },
      assets,
      probe: async () => {
        if (fixture.media instanceof Error) throw fixture.media;
        return fixture.media;
      },
      quotas,
      limits: { maxVideoBytes: 4_000_000, maxAudioBytes: 2_000_000 },
      bundle,
      start: async ({ id }) => void started.push(id),
      log,
    },
  });
  const app = await buildApp(deps);
  const fixture: TestApp = {
    app,
    deps,
    tasks,
    assets,
    blobs,
    keys,
    quotas,
    started,
    log: lines,
    media: VIDEO,
    async [Symbol.asyncDispose]() {
      await app.close();
      await db.destroy();
      await rm(root, { recursive: true, force: true });
    },
  };
  return fixture;
}
