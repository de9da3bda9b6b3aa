import { pino } from 'pino';
import { assetKey } from '../../src/assets/blobs.ts';
import { DedupedMedia } from '../../src/assets/deduped-media.ts';
import { type Asset, AssetRepository } from '../../src/assets/repository.ts';
import { newId } from '../../src/database/ids.ts';
import { openDatabase } from '../../src/database/open.ts';
import type { BundleInfo } from '../../src/encode/encoder.ts';
import { InFlightSteps } from '../../src/jobs/in-flight-steps.ts';
import type { MediaInfo } from '../../src/media/info.ts';
import { Quotas } from '../../src/quotas/quotas.ts';
import { TaskRepository } from '../../src/tasks/repository.ts';
import type { Source, TaskRequest } from '../../src/tasks/request.ts';
import { sourceKey, TaskWork, type TaskWorkDeps } from '../../src/tasks/work.ts';
import type { RunOptions, WorkerPool } from '../../src/workers/pool.ts';
import type { EmbeddedChunk, Job } from '../../src/workers/protocol.ts';
import { VIDEO } from './media-info.ts';
import { MemoryBlobStore } from './memory-blobs.ts';

const bundle = {
  name: 'signal',
  revision: '1',
  spaces: { visual: 'v', audio: 'a' },
  transcribesSpeech: false,
} as unknown as BundleInfo;

/** Result of the fake workers: two segments with visual vectors. */
export const embedded: EmbeddedChunk = {
  segments: [
    { startSec: 0, endSec: 6 },
    { startSec: 6, endSec: 12 },
  ],
  vectors: { visual: [unit(0), unit(1)] },
  damages: 0,
  damaged: { visual: [] },
  missingSec: { visual: 0 },
};

function unit(axis: number): Float32Array {
  const vector = new Float32Array(512);
  vector[axis] = 1;
  return vector;
}

/** Defers writes by a turn of the event loop, so that a write that is not awaited is noticed. */
class SlowBlobStore extends MemoryBlobStore {
  override async write(...args: Parameters<MemoryBlobStore['write']>) {
    await new Promise((resolve) => setImmediate(resolve));
    return super.write(...args);
  }
}

/** Opens the steps of tasks over a real database, with blobs in memory and fake workers. */
export async function openTaskWork() {
  const db = await openDatabase(':memory:');
  const blobs = new SlowBlobStore();
  const tasks = new TaskRepository(db);
  const assets = new AssetRepository(db);
  const stop = new AbortController();
  const jobs: Job[] = [];
  const fetches: { host: string; maxBytes: number }[] = [];
  const charged: object[] = [];
  const log: Record<string, unknown>[] = [];
  const answers = {
    probe: async (): Promise<MediaInfo> => VIDEO,
    embed: async (_options: RunOptions): Promise<EmbeddedChunk> => embedded,
  };
  const run = (job: Job, options: RunOptions) => {
    jobs.push(job);
    return job.kind === 'probe' ? answers.probe() : answers.embed(options);
  };
  const pool = { run } as unknown as WorkerPool;
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line)) });
  const deps: TaskWorkDeps = {
    ...{ db, tasks, blobs, assets, bundle },
    dedupedMedia: new DedupedMedia(db, blobs),
    urls: {
      fetchToBlob: async (store: MemoryBlobStore, key: string, url: URL, { maxBytes }: { maxBytes: number }) => {
        fetches.push({ host: url.host, maxBytes });
        await store.write(key, Buffer.from('fetched'));
      },
    } as never,
    limits: { maxVideoBytes: 4_000_000, maxAudioBytes: 2_000_000 },
    quotas: Object.assign(new Quotas(db, {}), { charge: (use: object) => fixture.charge(use) }),
    maxSegmentSec: 10,
    media: pool,
    probes: pool,
    log: logger,
    steps: new InFlightSteps(stop.signal, logger),
  };
  const create = async (source: Source = { kind: 'base64' }, more: Partial<TaskRequest> = {}, contentId?: string) => {
    const request: TaskRequest = {
      ...{ inputType: 'video', modelName: 'marengo3.0', source, startSec: 0, scopes: ['clip'] },
      ...{ segmentation: { strategy: 'fixed', durationSec: 6 }, options: ['visual'] },
      ...more,
    };
    const { id } = await tasks.create({ id: newId(), owner: 'me', request, bundle: 'signal@1', contentId });
    if (source.kind === 'base64') await blobs.write(sourceKey(id), Buffer.from('film'));
    return id;
  };
  const fixture = {
    charge: async (use: object): Promise<void> => void charged.push(use),
    ...{ db, blobs, tasks, assets, stop, jobs, fetches, charged, log, answers, create },
    work: new TaskWork(deps),
    keys: () => [...blobs.blobs.keys()].sort(),
    [Symbol.asyncDispose]: () => db.destroy(),
  };
  return fixture;
}

type Work = Awaited<ReturnType<typeof openTaskWork>>;

/** Creates an asset in preparation, or a ready one with its media. */
export async function addAsset({ db, assets, blobs }: Work, status: 'processing' | 'ready'): Promise<Asset> {
  const made = await assets.create({ id: newId(), owner: 'me', method: 'direct', filename: 'film.mp4' });
  if (status === 'processing') return made;
  const created_at = new Date().toISOString();
  await db.insertInto('contents').values({ id: made.id, owner: 'me', sha256: 'x', size: 4, created_at }).execute();
  await db.updateTable('assets').set({ status, content_id: made.id }).where('id', '=', made.id).execute();
  await blobs.write(assetKey(made.id), Buffer.from('film'));
  return (await assets.get(made.id))!;
}
