import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { MemoryBlobStore } from '../../test/support/memory-blobs.ts';
import { DedupedMedia } from '../assets/deduped-media.ts';
import { removeSinceTakeover } from '../blobs/takeover.ts';
import type { UploadStore } from '../blobs/uploads.ts';
import { openDatabase } from '../database/open.ts';
import { TaskRepository } from '../tasks/repository.ts';
import type { TaskRequest } from '../tasks/request.ts';
import { resultKey, sourceKey } from '../tasks/work.ts';
import { claimBlobs, takeOverBlobs } from './claim.ts';
import { GRACE_MS, type SweepDeps, sweepOrphans } from './sweep.ts';

/** Ready tasks and a blob store with their results. */
async function setUp(t: TestContext, { results }: { results: number }) {
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2030, 0, 1) });
  t.after(() => mock.timers.reset());
  const db = await openDatabase(':memory:');
  t.after(() => db.destroy());
  const blobs = new MemoryBlobStore();
  const tasks = new TaskRepository(db);
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  const request = { inputType: 'video', modelName: 'm', source: { kind: 'base64' } } as unknown as TaskRequest;
  const create = (id: string) => tasks.create({ id, owner: 'me', bundle: 'b', request });
  for (let i = 0; i < results; i++) {
    await create(`t${i}`);
    await blobs.write(resultKey(`t${i}`), Buffer.from('result'));
    await tasks.setReady(`t${i}`, []);
  }
  const deps: SweepDeps = {
    db,
    blobs,
    dedupedMedia: new DedupedMedia(db, blobs),
    uploadStore: { sweep: async () => 0 } as unknown as UploadStore,
    keep: { resultTtlMs: undefined, assetTtlMs: undefined },
    place: 'the place',
    log,
  };
  await claimBlobs(deps);
  return {
    deps,
    db,
    blobs,
    tasks,
    lines,
    create,
    lose: (id: string) => db.deleteFrom('tasks').where('id', '=', id).execute(),
    keys: () => [...blobs.blobs.keys()].filter((key) => !key.startsWith('database/')).sort(),
    sweep: () => sweepOrphans(deps),
    later: (ms: number) => mock.timers.setTime(Date.now() + ms),
  };
}

test('a tenth of all blobs is removed without a row, and none if it is one blob more', async (t) => {
  const { sweep, lose, keys, later, lines } = await setUp(t, { results: 20 });
  later(GRACE_MS + 1);
  for (const id of ['t0', 't1', 't2']) await lose(id);
  const before = keys();
  await sweep();
  assert.deepEqual(keys(), before);
  assert.match(lines.join(), /"blobs":3,"bytes":18,"of":20.*more than a tenth.*doctor --delete-unknown/);
});

test('a tenth of the blobs is removed', async (t) => {
  const { sweep, lose, keys, later, lines } = await setUp(t, { results: 20 });
  for (const id of ['t0', 't1']) await lose(id);
  await sweep();
  assert.equal(keys().length, 20, 'they are young');
  later(GRACE_MS + 1);
  await sweep();
  assert.equal(keys().length, 18);
  assert.deepEqual(lines, []);
});

test('blobs of ended rows are removed, whatever their share of the store', async (t) => {
  const { blobs, create, tasks, sweep, keys, later } = await setUp(t, { results: 1 });
  for (const id of ['a', 'b', 'c']) {
    await create(id);
    await blobs.write(sourceKey(id), Buffer.from('media'));
    await tasks.setFailed(id, { code: 'video_file_broken', message: 'm' });
  }
  later(GRACE_MS + 1);
  await sweep();
  assert.deepEqual(keys(), [resultKey('t0')]);
});

test('blobs that were taken over without a row are never swept', async (t) => {
  const { deps, sweep, lose, keys, later } = await setUp(t, { results: 20 });
  await lose('t0');
  await takeOverBlobs(deps);
  for (let day = 0; day < 3; day++) {
    later(20 * 3_600_000);
    await sweep();
  }
  assert.equal(keys().length, 20);
});

test('work in flight during a takeover removes no blob without a row', async (t) => {
  const { deps, db, blobs, later } = await setUp(t, { results: 1 });
  await blobs.write(sourceKey('lost'), Buffer.from('media'));
  await takeOverBlobs(deps);
  later(1);
  await blobs.write('tasks/lost/chunks/0000.arrow', Buffer.from('block'));
  await removeSinceTakeover(db, blobs, 'tasks/lost/');
  assert.deepEqual(await Array.fromAsync(blobs.list('tasks/lost/'), ({ key }) => key), [sourceKey('lost')]);
});

test('a database that was restored from a backup under a running server sweeps nothing', async (t) => {
  const { db, sweep, lose, keys, later, lines } = await setUp(t, { results: 20 });
  later(GRACE_MS + 1);
  await lose('t0');
  await db.updateTable('remembered').set({ value: 0 }).where('name', '=', 'claim').execute();
  await sweep();
  assert.equal(keys().length, 20);
  assert.match(lines.join(), /newer copy of this database/);
});

test('a clock that jumps sweeps nothing', async (t) => {
  const { sweep, lose, keys, later, lines } = await setUp(t, { results: 20 });
  await sweep();
  await lose('t0');
  later(365 * 24 * 3_600_000);
  await sweep();
  assert.equal(keys().length, 20);
  assert.match(lines.join(), /more than a day past the last sweep/);
  later(23 * 3_600_000);
  await sweep();
  assert.equal(keys().length, 20);
  later(2 * 3_600_000);
  await sweep();
  assert.equal(keys().length, 19);
});
