import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { pino } from 'pino';
import { VIDEO } from '../../test/support/media-info.ts';
import { MemoryBlobStore } from '../../test/support/memory-blobs.ts';
import { assetKey } from '../assets/blobs.ts';
import { DedupedMedia } from '../assets/deduped-media.ts';
import { type Asset, AssetRepository } from '../assets/repository.ts';
import { newId } from '../database/ids.ts';
import { openDatabase } from '../database/open.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import { ReelvecError } from '../errors.ts';
import { InFlightSteps } from '../jobs/in-flight-steps.ts';
import type { MediaInfo } from '../media/info.ts';
import { Quotas } from '../quotas/quotas.ts';
import type { RunOptions, WorkerPool } from '../workers/pool.ts';
import type { EmbeddedChunk, Job } from '../workers/protocol.ts';
import { TaskRepository } from './repository.ts';
import type { Source, TaskRequest } from './request.ts';
import { ASSET_NOT_READY, resultKey, sourceKey, TaskWork, type TaskWorkDeps } from './work.ts';

const bundle = {
  name: 'signal',
  revision: '1',
  spaces: { visual: 'v', audio: 'a' },
  transcribesSpeech: false,
} as unknown as BundleInfo;

const embedded: EmbeddedChunk = {
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

/** Steps over a real database, with blobs in memory and fake workers. */
async function open() {
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

type Work = Awaited<ReturnType<typeof open>>;

/** An asset in preparation, or a ready one with its media. */
async function asset({ db, assets, blobs }: Work, status: 'processing' | 'ready'): Promise<Asset> {
  const made = await assets.create({ id: newId(), owner: 'me', method: 'direct', filename: 'film.mp4' });
  if (status === 'processing') return made;
  const created_at = new Date().toISOString();
  await db.insertInto('contents').values({ id: made.id, owner: 'me', sha256: 'x', size: 4, created_at }).execute();
  await db.updateTable('assets').set({ status, content_id: made.id }).where('id', '=', made.id).execute();
  await blobs.write(assetKey(made.id), Buffer.from('film'));
  return (await assets.get(made.id))!;
}

test('a task goes from its source to a result, and removes intermediate blobs', async () => {
  await using t = await open();
  const id = await t.create();
  const source = await t.work.fetch(id);
  assert.equal(source, sourceKey(id));
  const plan = await t.work.plan(id, source!);
  assert.deepEqual(plan, { chunks: 1, options: ['visual'], warnings: [], bundle: 'signal@1' });
  assert.deepEqual(t.charged, [{ id, owner: 'me', mediaSec: 20.5 }]);
  assert.partialDeepStrictEqual(await t.tasks.get(id), { stage: 'embedding', range: { startSec: 0, endSec: 20.5 } });
  let wasWritten: boolean | undefined;
  t.answers.embed = async ({ onProgress }) => {
    onProgress?.(6, [embedded.segments[0]!]);
    return embedded;
  };
  const onEmbedded = () => {
    wasWritten = t.keys().some((key) => key.includes('/chunks/'));
  };
  const report = await t.work.embed({ taskId: id, number: 0, options: ['visual'] }, { onEmbedded });
  assert.equal(wasWritten, false, 'the worker is free before the block is written');
  assert.ok(
    t.keys().some((key) => key.includes('/chunks/')),
    'the block is stored when the step ends',
  );
  assert.partialDeepStrictEqual(report, { segments: 2, lengthSec: 12, rows: { visual: 2 } });
  assert.deepEqual(t.jobs, [
    { kind: 'probe', path: sourceKey(id) },
    {
      kind: 'embed',
      path: sourceKey(id),
      range: { startSec: 0, endSec: 20.5 },
      options: ['visual'],
      segmentation: { strategy: 'fixed', durationSec: 6 },
    },
  ]);
  assert.deepEqual(await t.tasks.embeddedSegments(id), [embedded.segments]);
  assert.equal(await t.tasks.progress(id), 1);
  await t.work.finish(id, { ...plan!, warnings: ['from the plan'] }, [report!]);
  const task = await t.tasks.get(id);
  assert.deepEqual([task?.status, task?.stage, task?.warnings], ['ready', 'finalizing', ['from the plan']]);
  assert.deepEqual(t.keys(), [resultKey(id)]);
  const bytes = await buffer(t.blobs.read(resultKey(id)));
  assert.ok(bytes.includes('signal@1') && bytes.includes(id));
});

test('a URL is downloaded into a blob of the attempt, within the size limit of its input type', async () => {
  await using t = await open();
  const url = 'https://example.com/film.mp4';
  const video = await t.create({ kind: 'url', url });
  const first = await t.work.fetch(video);
  const second = await t.work.fetch(video);
  assert.match(first!, new RegExp(`^tasks/${video}/sources/[0-9a-f]{24}$`));
  assert.notEqual(first, second, 'a worker that was presumed dead must not overwrite the blob of another');
  assert.equal((await t.tasks.get(video))?.stage, 'fetching');
  await t.work.fetch(await t.create({ kind: 'url', url }, { inputType: 'audio' }));
  assert.deepEqual(
    t.fetches.map(({ host, maxBytes }) => [host, maxBytes]),
    [
      ['example.com', 4_000_000],
      ['example.com', 4_000_000],
      ['example.com', 2_000_000],
    ],
  );
});

test('an asset in preparation is polled; a ready one is retained until the task ends', async () => {
  await using t = await open();
  const preparing = await asset(t, 'processing');
  const waiting = await t.create({ kind: 'asset', assetId: preparing.id });
  assert.equal(await t.work.fetch(waiting), ASSET_NOT_READY);
  const ready = await asset(t, 'ready');
  const id = await t.create({ kind: 'asset', assetId: ready.id });
  assert.equal(await t.work.fetch(id), assetKey(ready.id));
  assert.equal((await t.tasks.get(id))?.contentId, ready.id);
  const linked = await t.create({ kind: 'asset', assetId: 'deleted since' }, {}, ready.id);
  assert.equal(await t.work.fetch(linked), assetKey(ready.id), 'content that the task holds outlives its asset');
});

test('a deleted asset fails its task, also if deleted during the link', async () => {
  await using t = await open();
  const gone = await t.create({ kind: 'asset', assetId: newId() });
  assert.equal(await t.work.fetch(gone), null);
  assert.partialDeepStrictEqual((await t.tasks.get(gone))?.error, { code: 'resource_not_exist' });
  const { id: assetId } = await asset(t, 'ready');
  const id = await t.create({ kind: 'asset', assetId });
  t.tasks.setContent = async () => false;
  assert.equal(await t.work.fetch(id), null);
  assert.match((await t.tasks.get(id))!.error!.message, new RegExp(`${assetId} was deleted before`));
});

test('missing media fails the task with a message that says so', async () => {
  await using t = await open();
  const own = await t.create();
  t.blobs.blobs.clear();
  assert.equal(await t.work.plan(own, sourceKey(own)), null);
  assert.match((await t.tasks.get(own))!.error!.message, /media of the task is missing/);
  const { id: assetId } = await asset(t, 'ready');
  t.blobs.blobs.clear();
  const lost = await t.create({ kind: 'asset', assetId });
  assert.equal(await t.work.plan(lost, assetKey(assetId)), null);
  assert.match((await t.tasks.get(lost))!.error!.message, /media of the asset .* is missing/);
  const deleted = await t.create({ kind: 'asset', assetId: newId() });
  assert.equal(await t.work.plan(deleted, assetKey('x')), null);
  assert.match((await t.tasks.get(deleted))!.error!.message, /was deleted before/);
});

test('a fault of the media fails the task, is logged with its cause, and removes the blobs', async () => {
  await using t = await open();
  const id = await t.create();
  t.answers.probe = () =>
    Promise.reject(new ReelvecError('video_file_broken', 'It is broken.', { cause: new Error('no moov atom') }));
  assert.equal(await t.work.plan(id, sourceKey(id)), null);
  assert.deepEqual((await t.tasks.get(id))?.error, { code: 'video_file_broken', message: 'It is broken.' });
  assert.deepEqual(t.keys(), []);
  const line = t.log.find(({ msg }) => msg === 'task failed');
  assert.partialDeepStrictEqual(line, { taskId: id, code: 'video_file_broken', reason: 'It is broken.' });
  assert.match(String(line?.['cause']), /no moov atom/);
  assert.equal(await t.work.plan(id, sourceKey(id)), null, 'an ended task runs no step');
  assert.equal(t.jobs.length, 1);
});

test('errors about audio have audio_ codes', async () => {
  await using t = await open();
  const id = await t.create(undefined, { inputType: 'audio' });
  t.answers.probe = () => Promise.reject(new ReelvecError('video_file_broken', 'It is broken.'));
  await t.work.plan(id, sourceKey(id));
  assert.equal((await t.tasks.get(id))?.error?.code, 'audio_file_broken');
});

test('a server fault is rethrown for a retry: the task does not fail and keeps its source', async () => {
  await using t = await open();
  const id = await t.create();
  for (const fault of [new Error('disk full'), new ReelvecError('service_unavailable', 'No worker starts.')]) {
    t.answers.probe = () => Promise.reject(fault);
    await assert.rejects(t.work.plan(id, sourceKey(id)), fault);
    assert.equal((await t.tasks.get(id))?.status, 'processing');
  }
  assert.deepEqual(t.keys(), [sourceKey(id)]);
  assert.equal(t.log.filter(({ msg }) => msg === 'task step failed').length, 2);
});

test('deleting a task frees its worker and removes its blobs', async () => {
  await using t = await open();
  const id = await t.create();
  t.answers.embed = ({ signal }) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
  await t.tasks.setPlan(id, [{ startSec: 0, endSec: 12 }]);
  const embedding = t.work.embed({ taskId: id, number: 0, options: ['visual'] }, { onEmbedded: () => {} });
  while (t.jobs.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await t.tasks.delete(id, 'me');
  assert.equal(await embedding, null);
  assert.deepEqual(t.keys(), []);
  assert.deepEqual(t.log, []);
});

test('a step aborted by the shutdown neither ends nor fails', async () => {
  await using t = await open();
  const id = await t.create();
  t.answers.probe = async () => {
    t.stop.abort(new Error('stopping'));
    throw new ReelvecError('video_file_broken', 'The worker was killed.');
  };
  const step = t.work.plan(id, sourceKey(id)).then(
    () => 'ended',
    () => 'failed',
  );
  const pause = new Promise((resolve) => setTimeout(resolve, 50, 'open'));
  assert.equal(await Promise.race([step, pause]), 'open');
  assert.equal((await t.tasks.get(id))?.status, 'processing');
});

test('a task of another bundle fails', async () => {
  await using t = await open();
  const id = await t.create();
  await t.db.updateTable('tasks').set({ bundle: 'signal@0' }).where('id', '=', id).execute();
  await t.tasks.setPlan(id, [{ startSec: 0, endSec: 12 }]);
  assert.equal(await t.work.embed({ taskId: id, number: 0, options: ['visual'] }, { onEmbedded: () => {} }), null);
  assert.equal((await t.tasks.get(id))?.error?.code, 'conflict');
  assert.deepEqual(t.jobs, []);
});

test('tidy keeps the blobs of a task in progress, and content that others retain', async () => {
  await using t = await open();
  const ready = await asset(t, 'ready');
  const id = await t.create({ kind: 'asset', assetId: ready.id }, {}, ready.id);
  await t.blobs.write(`tasks/${id}/chunks/0000.arrow`, Buffer.from('block'));
  await t.work.tidy(id, ready.id);
  assert.deepEqual(t.keys(), [assetKey(ready.id), `tasks/${id}/chunks/0000.arrow`].sort());
  await t.db.updateTable('assets').set({ content_id: null }).where('id', '=', ready.id).execute();
  await t.tasks.setReady(id, []);
  await t.work.tidy(id, ready.id);
  assert.deepEqual(t.keys(), [], 'the last holder of the content is gone');
});

test('a step awaits the quota and the end that it writes, and rejects with their errors', async () => {
  await using t = await open();
  const id = await t.create();
  t.charge = () => Promise.reject(new ReelvecError('too_many_requests', 'No minutes are left.'));
  assert.equal(await t.work.plan(id, sourceKey(id)), null);
  assert.equal((await t.tasks.get(id))?.error?.code, 'too_many_requests');
  const other = await t.create();
  t.charge = async () => {};
  const plan = await t.work.plan(other, sourceKey(other));
  const report = await t.work.embed({ taskId: other, number: 0, options: ['visual'] }, { onEmbedded: () => {} });
  t.tasks.setReady = () => Promise.reject(new Error('no database'));
  await assert.rejects(t.work.finish(other, plan!, [report!]), /no database/);
  assert.ok(t.keys().includes(sourceKey(other)), 'nothing is tidied away');
});
