import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { uploadChunkRoute } from '../../src/api/assets/multipart/upload-chunk.ts';
import { retrieveThumbnailRoute } from '../../src/api/assets/retrieve-thumbnail.ts';
import { assetRoutes } from '../../src/api/assets/routes.ts';
import { installErrors } from '../../src/api/errors.ts';
import { serializeLeniently } from '../../src/api/serialize.ts';
import { SignedLinks } from '../../src/api/signed-links.ts';
import { discardUnreadBodies } from '../../src/api/unread-bodies.ts';
import { validate } from '../../src/api/validation.ts';
import { DedupedMedia } from '../../src/assets/deduped-media.ts';
import { UploadRepository } from '../../src/assets/multipart/repository.ts';
import type { MultipartUploads } from '../../src/assets/multipart/service.ts';
import { openAssets } from '../../src/assets/open.ts';
import type { MediaInspectors } from '../../src/assets/prepare.ts';
import { AssetRepository } from '../../src/assets/repository.ts';
import { FolderBlobStore } from '../../src/blobs/folder/store.ts';
import { FolderUploadStore } from '../../src/blobs/folder/uploads.ts';
import { openDatabase } from '../../src/database/open.ts';
import { ReelvecError } from '../../src/errors.ts';
import { parseAllowList } from '../../src/http/addresses.ts';
import { IdempotencyKeys } from '../../src/idempotency/keys.ts';
import { InFlightSteps } from '../../src/jobs/in-flight-steps.ts';
import { serverSecret } from '../../src/keys/secrets.ts';
import type { MediaInfo } from '../../src/media/info.ts';
import { type QuotaLimits, Quotas } from '../../src/quotas/quotas.ts';
import { UrlGuard } from '../../src/sources/url-guard.ts';

/** Head of an MP4 file, sufficient for code that does not decode. */
export const MP4 = Buffer.from('\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41', 'latin1');

export interface AssetApp extends AsyncDisposable {
  app: FastifyInstance;
  assets: AssetRepository;
  blobs: FolderBlobStore;
  multipart: MultipartUploads;
  /** Task ids by the asset that they use; set by tests. */
  usedBy: Map<string, string[]>;
  /** Failed tasks with their message. */
  failed: string[];
  /** Ids of assets whose durable run was started. */
  started: string[];
  /** Executes the durable run, with a probe that finds ten seconds of sound, or fails for files under 100 bytes. */
  prepare: (id: string) => Promise<void>;
}

/**
 * Opens the asset routes with a real database and folder, without media workers. The `x-api-key` header is the key id.
 */
export async function assetApp({
  maxUploadBytes = 1_000_000,
  limits = {},
}: {
  maxUploadBytes?: number;
  limits?: QuotaLimits;
} = {}): Promise<AssetApp> {
  const folder = await mkdtemp(join(tmpdir(), 'reelvec-assets-'));
  const db = await openDatabase(':memory:');
  const assets = new AssetRepository(db);
  const blobs = new FolderBlobStore(folder);
  const dedupedMedia = new DedupedMedia(db, blobs);
  const urls = new UrlGuard({ allow: parseAllowList(['127.0.0.1']), retryDelayMs: 1 });
  const log = pino({ level: 'silent' });
  const started: string[] = [];
  const idempotency = new IdempotencyKeys(db);
  const quotas = new Quotas(db, limits);
  const usedBy = new Map<string, string[]>();
  const failed: string[] = [];
  const users = {
    tasksUsing: async (assetId: string) => usedBy.get(assetId) ?? [],
    fail: async (taskId: string, { message }: { message: string }) => void failed.push(`${taskId}: ${message}`),
  };
  const probe = async (path: string): Promise<MediaInfo> => {
    const key = path.slice(folder.length + 1);
    const blob = await blobs.stat(key);
    if ((blob?.size ?? 0) < 100) throw new ReelvecError('video_file_broken', 'The file cannot be read as media.');
    return {
      format: 'mov,mp4,m4a,3gp,3g2,mj2',
      mimeType: 'audio/mp4',
      size: blob?.size ?? 0,
      durationSec: 10,
      bitRate: 128_000,
      audio: { index: 0, codec: 'aac', sampleRate: 48_000, channels: 2 },
      trackCounts: { video: 0, audio: 1, subtitles: 0 },
    };
  };
  const jpeg = Buffer.from('a small picture');
  const inspectors: MediaInspectors = {
    probe,
    image: async () => ({
      image: { format: 'png', width: 640, height: 480, hasAlpha: true, isAnimated: false },
      thumbnail: jpeg,
    }),
    thumbnail: async () => jpeg,
  };
  const { service, multipart, prepare } = openAssets({
    assets,
    uploads: new UploadRepository(db),
    blobs,
    dedupedMedia,
    uploadStore: new FolderUploadStore(folder),
    quotas,
    urls,
    limits: { maxVideoBytes: 100_000_000, maxAudioBytes: 50_000_000, maxImageBytes: 1_000_000, maxUploadBytes },
    inspectors,
    users,
    engine: {
      start: async (_workflow, _input, id) => {
        started.push(id);
        return id;
      },
    },
    steps: new InFlightSteps(new AbortController().signal, log),
    uploadWaitMs: 0,
    log,
  });
  const app = Fastify();
  app.setValidatorCompiler(validate);
  app.setSerializerCompiler(serializeLeniently(app.log));
  discardUnreadBodies(app);
  installErrors(app);
  app.decorateRequest('owner', '');
  app.decorateRequest('event', null as unknown as Record<string, unknown>);
  app.addHook('onRequest', async (request) => {
    request.event = {};
    request.owner = String(request.headers['x-api-key'] ?? 'nobody');
  });
  const links = new SignedLinks(await serverSecret(db, 'links'));
  await app.register(uploadChunkRoute, { prefix: '/v1.3', multipart, links, idempotency });
  await app.register(retrieveThumbnailRoute, { prefix: '/v1.3', assets: service, links });
  await app.register(assetRoutes, {
    prefix: '/v1.3',
    assets: service,
    idempotency,
    uploads: { multipart, links, idempotency },
  });
  return {
    app,
    assets,
    blobs,
    multipart,
    started,
    usedBy,
    failed,
    prepare: (id) => prepare(id, new AbortController().signal),
    async [Symbol.asyncDispose]() {
      await app.close();
      await urls.close();
      await db.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Asserts that no blob, row or temporary file remains. */
export async function assertNothingKept({ blobs, assets, started }: AssetApp): Promise<void> {
  assert.deepEqual(await Array.fromAsync(blobs.list(''), ({ key }) => key), []);
  assert.equal((await assets.unstarted()).length, 0);
  assert.deepEqual(started, []);
  assert.deepEqual(await readdir(join(blobs.root, '.tmp')).catch(() => []), []);
}
