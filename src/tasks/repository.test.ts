import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VIDEO } from '../../test/support/media-info.ts';
import { NO_POSTGRES, startPostgres } from '../../test/support/postgres.ts';
import { AssetRepository } from '../assets/repository.ts';
import { newId } from '../database/ids.ts';
import { type Db, openDatabase } from '../database/open.ts';
import { openPostgresAsyncCommit } from '../database/postgres.ts';
import { type Task, TaskRepository } from './repository.ts';
import type { Source, TaskRequest } from './request.ts';

const range = { startSec: 1.5, endSec: 13.5 };
const chunks = [
  { startSec: 1.5, endSec: 7.5 },
  { startSec: 7.5, endSec: 13.5 },
];

function request(source: Source = { kind: 'base64' }): TaskRequest {
  return {
    inputType: 'video',
    modelName: 'marengo3.0',
    source,
    startSec: 1.5,
    segmentation: { strategy: 'fixed', durationSec: 6 },
    options: ['visual', 'audio'],
    scopes: ['clip'],
  };
}

async function open(options?: ConstructorParameters<typeof TaskRepository>[1]) {
  const db = await openDatabase(':memory:');
  const tasks = new TaskRepository(db, options);
  return {
    db,
    tasks,
    create: (owner = 'me', source?: Source) =>
      tasks.create({ id: newId(), owner, request: request(source), bundle: 'signal@1' }),
    [Symbol.asyncDispose]: () => db.destroy(),
  };
}

async function setCreated(db: Db, { id }: Task, time: string): Promise<void> {
  await db.updateTable('tasks').set({ created_at: time }).where('id', '=', id).execute();
}

test('only the owner can read a task, as it was created', async () => {
  await using t = await open();
  const { id, ...made } = await t.create();
  const { createdAt, updatedAt, ...facts } = made;
  assert.deepEqual(facts, {
    owner: 'me',
    request: request(),
    bundle: 'signal@1',
    status: 'processing',
    stage: 'queued',
    media: undefined,
    warnings: [],
    round: 0,
  });
  assert.equal(createdAt, updatedAt);
  assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000);
  assert.deepEqual(await t.tasks.get(id, 'me'), { id, ...made });
  assert.deepEqual(await t.tasks.get(id), { id, ...made });
  assert.equal(await t.tasks.get(id, 'other'), undefined);
  assert.equal(await t.tasks.get(newId()), undefined);
});

test('a task whose admission fails is not created', async () => {
  await using t = await open();
  const task = { id: newId(), owner: 'me', request: request(), bundle: 'signal@1' };
  const refused = t.tasks.create(task, async (transaction, created) => {
    assert.ok(await new TaskRepository(transaction).get(created.id));
    throw new Error('over quota');
  });
  await assert.rejects(refused, /over quota/);
  assert.equal(await t.tasks.get(task.id), undefined);
});

test('a list has the tasks of one owner, newest first, filtered by status and by inclusive times', async () => {
  await using t = await open();
  const made: Task[] = [];
  for (const day of [1, 2, 3]) {
    const task = await t.create();
    await setCreated(t.db, task, `2026-01-0${day}T00:00:00.000Z`);
    made.push(task);
  }
  await t.create('other');
  await t.tasks.setReady(made[1]!.id, []);
  const days = async (filter: Parameters<TaskRepository['list']>[1], page = { offset: 0, limit: 10 }) => {
    const { tasks, total } = await t.tasks.list('me', filter, page);
    return [total, ...tasks.map(({ createdAt }) => Number(createdAt.slice(8, 10)))];
  };
  assert.deepEqual(await days({}), [3, 3, 2, 1]);
  assert.deepEqual(await days({ status: 'ready' }), [1, 2]);
  assert.deepEqual(await days({ from: '2026-01-02T00:00:00.000Z' }), [2, 3, 2]);
  assert.deepEqual(await days({ to: '2026-01-02T00:00:00.000Z' }), [2, 2, 1]);
});

test('the probe and the plan are read back', async () => {
  await using t = await open();
  const { id } = await t.create();
  await t.tasks.setStage(id, 'probing');
  assert.equal((await t.tasks.get(id))?.stage, 'probing');
  await t.tasks.setProbed(id, VIDEO, range);
  await t.tasks.setPlan(id, chunks, 'subtitles');
  const task = (await t.tasks.get(id))!;
  assert.deepEqual(task.media, JSON.parse(JSON.stringify(VIDEO)));
  assert.deepEqual([task.range, task.stage, task.transcriptionSource], [range, 'embedding', 'subtitles']);
  assert.deepEqual(await t.tasks.chunkRange(id, 1), chunks[1]);
  await assert.rejects(t.tasks.chunkRange(id, 2));
});

test('progress is the embedded share of all chunks; a repeated plan keeps it', async () => {
  await using t = await open();
  const { id } = await t.create();
  const other = await t.create();
  assert.equal(await t.tasks.progress(id), 0);
  await t.tasks.setPlan(id, chunks);
  await t.tasks.setPlan(other.id, chunks);
  assert.equal(await t.tasks.progress(id), 0);
  await t.tasks.setChunkDone(id, 1, 3, [{ startSec: 7.5, endSec: 10.5 }]);
  assert.equal(await t.tasks.progress(id), 0.25);
  assert.deepEqual(await t.tasks.embeddedSegments(id), [[], [{ startSec: 7.5, endSec: 10.5 }]]);
  await t.tasks.setPlan(id, chunks);
  assert.equal(await t.tasks.progress(id), 0.25);
  await t.tasks.setChunkDone(id, 0, 6);
  await t.tasks.setChunkDone(id, 1, 99);
  assert.equal(await t.tasks.progress(id), 1);
  assert.equal(await t.tasks.progress(other.id), 0);
});

test('an end is final, happens once, and releases the content', async () => {
  const ended: [string, string][] = [];
  await using t = await open({ onEnded: async (_, task) => void ended.push([task.id, task.status]) });
  const ready = await t.create();
  const failed = await t.create();
  await t.tasks.setReady(ready.id, ['a warning']);
  await t.tasks.setFailed(failed.id, { code: 'video_file_broken', message: 'It is broken.' });
  await t.tasks.setReady(failed.id, []);
  await t.tasks.setFailed(ready.id, { code: 'video_file_broken', message: 'Too late.' });
  await t.tasks.setStage(ready.id, 'probing');
  assert.deepEqual(ended, [
    [ready.id, 'ready'],
    [failed.id, 'failed'],
  ]);
  const [first, second] = [await t.tasks.get(ready.id), await t.tasks.get(failed.id)];
  assert.deepEqual(
    [first?.status, first?.warnings, first?.stage, first?.error],
    ['ready', ['a warning'], 'queued', undefined],
  );
  assert.deepEqual(
    [second?.status, second?.error],
    ['failed', { code: 'video_file_broken', message: 'It is broken.' }],
  );
});

test('an end is rolled back if its callback fails', async () => {
  await using t = await open({ onEnded: () => Promise.reject(new Error('no webhook row')) });
  const { id } = await t.create();
  await assert.rejects(t.tasks.setReady(id, []), /no webhook row/);
  assert.equal((await t.tasks.get(id))?.status, 'processing');
});

test('content is retained until the task ends, and cannot be retained once deleted', async () => {
  await using t = await open();
  await t.db
    .insertInto('contents')
    .values({ id: 'content', owner: 'me', sha256: 'x', size: 1, created_at: new Date().toISOString() })
    .execute();
  const { id } = await t.create();
  assert.equal(await t.tasks.setContent(id, 'gone'), false);
  assert.equal((await t.tasks.get(id))?.contentId, undefined);
  assert.equal(await t.tasks.setContent(id, 'content'), true);
  assert.equal((await t.tasks.get(id))?.contentId, 'content');
  await t.tasks.setReady(id, []);
  assert.equal((await t.tasks.get(id))?.contentId, undefined);
  await t.db.destroy();
  await assert.rejects(t.tasks.setContent(id, 'content'));
});

test('only a ready task restarts, once per round, with a warning and without progress', async () => {
  await using t = await open();
  const made = await t.create();
  const { id } = made;
  await t.tasks.setPlan(id, chunks);
  await t.tasks.setChunkDone(id, 0, 6, [chunks[0]!]);
  await t.tasks.setRuns(new Map([[id, 'run']]));
  assert.equal(await t.tasks.restart(made, 'again'), undefined);
  await t.tasks.setReady(id, []);
  const ready = (await t.tasks.get(id))!;
  const restarted = await t.tasks.restart(ready, 'again');
  assert.partialDeepStrictEqual(restarted, { status: 'processing', stage: 'queued', warnings: ['again'], round: 1 });
  assert.equal(restarted?.runId, undefined);
  assert.equal(await t.tasks.progress(id), 0);
  assert.deepEqual(await t.tasks.embeddedSegments(id), [[], []]);
  await t.tasks.setReady(id, []);
  assert.equal(await t.tasks.restart(ready, 'again'), undefined, 'was read before the restart');
});

test('run ids are saved for the named tasks; tasks without a run are listed', async () => {
  await using t = await open();
  const [first, second, third] = [await t.create(), await t.create(), await t.create()];
  await t.tasks.setRuns(
    new Map([
      [first.id, 'run-1'],
      [second.id, 'run-2'],
    ]),
  );
  assert.equal((await t.tasks.get(first.id))?.runId, 'run-1');
  assert.equal((await t.tasks.get(second.id))?.runId, 'run-2');
  assert.deepEqual(await t.tasks.unstarted(), [third]);
  await t.tasks.setReady(third.id, []);
  assert.deepEqual(await t.tasks.unstarted(), []);
  assert.deepEqual(await t.tasks.unfinished([first.id, third.id]), [first.id]);
  const page = await t.tasks.started({ after: '', limit: 10 });
  assert.deepEqual(page, [
    { id: first.id, runId: 'run-1' },
    { id: second.id, runId: 'run-2' },
  ]);
});

test('the unfinished tasks of an asset are found, and no others', async () => {
  await using t = await open();
  const asset = await new AssetRepository(t.db).create({ id: newId(), owner: 'me', method: 'direct', filename: 'x' });
  const using_ = await t.create('me', { kind: 'asset', assetId: asset.id });
  const ended = await t.create('me', { kind: 'asset', assetId: asset.id });
  await t.tasks.setReady(ended.id, []);
  await t.create('me', { kind: 'url', url: `https://example.com/${asset.id}` });
  await t.create('me', { kind: 'asset', assetId: newId() });
  assert.deepEqual(await t.tasks.usingAsset(asset.id), [using_.id]);
});

test('only the owner can delete a task, with its chunks', async () => {
  await using t = await open();
  const made = await t.create();
  await t.tasks.setPlan(made.id, chunks);
  assert.equal(await t.tasks.delete(made.id, 'other'), undefined);
  assert.equal((await t.tasks.delete(made.id, 'me'))?.id, made.id);
  assert.equal(await t.tasks.delete(made.id, 'me'), undefined);
  assert.equal(await t.tasks.get(made.id), undefined);
  assert.deepEqual(await t.tasks.embeddedSegments(made.id), []);
});

test('a task with an unknown stored status counts as failed, with an explanation', async () => {
  await using t = await open();
  const { id } = await t.create();
  await t.db
    .updateTable('tasks')
    .set({ status: 'paused' as never })
    .where('id', '=', id)
    .execute();
  const task = await t.tasks.get(id);
  assert.deepEqual([task?.status, task?.error?.code], ['failed', 'internal_server_error']);
});

test('rows that the steps of a run read survive a crash of PostgreSQL', { skip: NO_POSTGRES }, async () => {
  await using postgres = await startPostgres();
  const url = await postgres.database();
  const db = await openDatabase(url);
  const asyncDb = openPostgresAsyncCommit(url);
  try {
    const tasks = new TaskRepository(db, { asyncDb });
    const { id } = await tasks.create({ id: newId(), owner: 'me', request: request(), bundle: 'signal@1' });
    await tasks.setProbed(id, VIDEO, range);
    await tasks.setPlan(id, chunks, 'subtitles');
    await postgres.stop('immediate');
    await postgres.start();
    assert.deepEqual(await tasks.chunkRange(id, 1).catch(() => tasks.chunkRange(id, 1)), chunks[1]);
    const { media, transcriptionSource, range: planned } = (await tasks.get(id))!;
    assert.deepEqual(
      { media, transcriptionSource, planned },
      { media: VIDEO, transcriptionSource: 'subtitles', planned: range },
    );
  } finally {
    await Promise.all([db.destroy(), asyncDb.destroy()]);
  }
});
