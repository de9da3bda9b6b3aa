import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { pino } from 'pino';
import { MemoryBlobStore } from '../../test/support/memory-blobs.ts';
import { assetKey } from '../assets/blobs.ts';
import { DedupedMedia } from '../assets/deduped-media.ts';
import { AssetRepository } from '../assets/repository.ts';
import type { UploadStore } from '../blobs/uploads.ts';
import { newId } from '../database/ids.ts';
import { openDatabase } from '../database/open.ts';
import type { MediaInfo } from '../media/info.ts';
import { TaskRepository } from '../tasks/repository.ts';
import type { TaskRequest } from '../tasks/request.ts';
import { resultKey } from '../tasks/work.ts';
import type { KeepTimes } from './expiry.ts';
import { sweepDue } from './sweep.ts';
import { sweepSlot } from './workflow.ts';

const HOUR_MS = 3_600_000;
const FILM = Buffer.from('film');

async function setUp(t: { after: (done: () => void) => void }) {
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2030, 0, 1) });
  t.after(() => mock.timers.reset());
  const db = await openDatabase(':memory:');
  const blobs = new MemoryBlobStore();
  const dedupedMedia = new DedupedMedia(db, blobs);
  const assets = new AssetRepository(db);
  const tasks = new TaskRepository(db);
  const log = pino({ level: 'silent' });
  const uploadStore = {} as UploadStore;
  return {
    db,
    blobs,
    assets,
    tasks,
    sweep: (keep: Partial<KeepTimes>) =>
      sweepDue({
        db,
        blobs,
        dedupedMedia,
        uploadStore,
        log,
        place: 'memory',
        keep: { resultTtlMs: undefined, assetTtlMs: undefined, ...keep },
      }),
    later: (ms: number) => mock.timers.setTime(Date.now() + ms),
    async asset() {
      const id = newId();
      await blobs.write(assetKey(id), FILM);
      await assets.create({ id, owner: 'me', method: 'direct', filename: 'f' });
      const contentId = await dedupedMedia.deduplicate({ id, owner: 'me' }, { sha256: 'same', size: FILM.length });
      await assets.setReady(id, {} as MediaInfo);
      return { id, contentId };
    },
    async task(contentId?: string) {
      const id = newId();
      const request = { inputType: 'video', modelName: 'm', source: { kind: 'asset', assetId: 'a' } } as TaskRequest;
      await tasks.create({ id, owner: 'me', bundle: 'b', request, contentId });
      await blobs.write(resultKey(id), Buffer.from('result'));
      return id;
    },
    keys: () => [...blobs.blobs.keys()].sort(),
  };
}

test('a result expires with its task, counted from the end of the task', async (t) => {
  const made = await setUp(t);
  const [ended, working] = [await made.task(), await made.task()];
  made.later(10 * HOUR_MS);
  await made.tasks.setReady(ended, []);
  made.later(HOUR_MS);
  await made.sweep({ resultTtlMs: 2 * HOUR_MS });
  assert.ok(await made.tasks.get(ended));
  made.later(HOUR_MS + 1);
  await made.sweep({});
  assert.ok(await made.tasks.get(ended), 'without a time it stays for ever');
  await made.sweep({ resultTtlMs: 2 * HOUR_MS });
  assert.equal(await made.tasks.get(ended), undefined);
  assert.ok(await made.tasks.get(working), 'a task that is being worked on has no age');
  assert.deepEqual(made.keys(), [resultKey(working)]);
});

test('one sweep removes more than a batch of results', async (t) => {
  const made = await setUp(t);
  for (let i = 0; i < 45; i++) await made.tasks.setReady(await made.task(), []);
  made.later(2);
  await made.sweep({ resultTtlMs: 1 });
  assert.deepEqual(made.keys(), []);
});

test('an expired asset is kept while a task reads it', async (t) => {
  const made = await setUp(t);
  const asset = await made.asset();
  const task = await made.task(asset.contentId);
  made.later(2 * HOUR_MS);
  await made.sweep({ assetTtlMs: HOUR_MS });
  assert.ok(await made.assets.get(asset.id));
  await made.tasks.setReady(task, []);
  await made.sweep({ assetTtlMs: HOUR_MS });
  assert.equal(await made.assets.get(asset.id), undefined);
  assert.deepEqual(made.keys(), [resultKey(task)]);
});

test('shared media is removed with its last asset', async (t) => {
  const made = await setUp(t);
  const first = await made.asset();
  made.later(HOUR_MS);
  const second = await made.asset();
  assert.equal(second.contentId, first.id);
  made.later(HOUR_MS);
  await made.sweep({ assetTtlMs: 1.5 * HOUR_MS });
  assert.equal(await made.assets.get(first.id), undefined);
  assert.deepEqual(made.keys(), [assetKey(first.id)]);
  made.later(HOUR_MS);
  await made.sweep({ assetTtlMs: 1.5 * HOUR_MS });
  assert.deepEqual(made.keys(), []);
  assert.deepEqual(await made.db.selectFrom('contents').selectAll().execute(), []);
});

test('the same content of two owners is stored twice, so that owners learn nothing about each other', async (t) => {
  const made = await setUp(t);
  const dedupedMedia = new DedupedMedia(made.db, made.blobs);
  const ids = ['one', 'two'].map((owner) => ({ id: newId(), owner }));
  for (const { id, owner } of ids) {
    await made.blobs.write(assetKey(id), FILM);
    await made.assets.create({ id, owner, method: 'direct', filename: 'f' });
    assert.equal(await dedupedMedia.deduplicate({ id, owner }, { sha256: 'same', size: FILM.length }), id);
  }
});

test('all nodes derive the same key for a time slot, and another for the next', () => {
  const at = (time: string) => sweepSlot(new Date(`2030-01-01T${time}Z`));
  assert.deepEqual(at('00:00:00'), at('00:09:59.999'));
  assert.equal(at('00:05:00').key, 'sweep-2030-01-01T00:00:00.000Z');
  assert.notEqual(at('00:10:00').key, at('00:09:59').key);
});
