import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO, MP4_HEAD, openTestApp, type TestApp, VIDEO } from '../../test/support/app.ts';
import { newId } from '../database/ids.ts';
import { isReelvecError, ReelvecError } from '../errors.ts';
import { createTask } from './create.ts';
import type { Source, TaskRequest } from './request.ts';
import { sourceKey } from './work.ts';

const owner = 'somebody';

function asking(source: Source): TaskRequest {
  return {
    inputType: 'video',
    modelName: 'marengo3.0',
    source,
    startSec: 0,
    segmentation: { strategy: 'fixed', durationSec: 6 },
    options: ['visual'],
    scopes: ['clip'],
  };
}

function create({ deps }: TestApp, source: Source, base64?: string, signal?: AbortSignal) {
  return createTask(deps.embedding, { owner, quota: {}, request: asking(source), base64 }, { signal });
}

async function refusal(making: Promise<unknown>): Promise<ReelvecError> {
  return making.then(
    () => assert.fail('was accepted'),
    (error) => (isReelvecError(error) ? error : assert.fail(error)),
  );
}

const nothingKept = async (t: TestApp) => {
  assert.deepEqual(await Array.fromAsync(t.blobs.list(''), ({ key }) => key), []);
  assert.deepEqual(await t.tasks.unstarted(), []);
  assert.deepEqual(t.started, []);
};

test('a task is stored, then started, with its file name and bundle', async () => {
  await using t = await openTestApp();
  const task = await create(t, { kind: 'url', url: 'https://media.test/films/a%20b.mp4' });
  assert.deepEqual(t.started, [task.id]);
  const stored = await t.tasks.get(task.id, owner);
  assert.equal(stored?.request.filename, 'a b.mp4');
  assert.equal(stored?.bundle, 'signal@1');
  assert.equal(stored?.status, 'processing');
});

test('base64 becomes the blob of the task and is checked on creation', async () => {
  await using t = await openTestApp();
  const task = await create(t, { kind: 'base64' }, MP4_HEAD.toString('base64'));
  assert.equal((await t.blobs.stat(sourceKey(task.id)))?.size, MP4_HEAD.length);
});

test('base64 that is invalid, not media, unreadable or over a limit leaves nothing behind', async () => {
  await using t = await openTestApp();
  const give = (text: string) => refusal(create(t, { kind: 'base64' }, text));
  assert.match((await give('?')).message, /^video\.media_source\.base64_string is not base64/);
  assert.equal((await give(Buffer.from('<!doctype html>').toString('base64'))).code, 'source_not_media');
  t.media = { ...VIDEO, durationSec: 1 };
  assert.equal((await give(MP4_HEAD.toString('base64'))).code, 'video_duration_too_short');
  t.media = new ReelvecError('video_file_broken', 'This is no media.');
  assert.equal((await give(MP4_HEAD.toString('base64'))).code, 'video_file_broken');
  await nothingKept(t);
});

test('an unreachable URL and one of a page are refused', async () => {
  await using t = await openTestApp();
  const give = (url: string) => refusal(create(t, { kind: 'url', url }));
  assert.equal((await give('https://gone.test/a.mp4')).code, 'source_unreachable');
  assert.equal((await give('https://media.test/watch.html')).code, 'source_not_media');
  assert.match((await give('ftp://media.test/a.mp4')).message, /^video\.media_source\.url /);
  await nothingKept(t);
});

test('an asset must exist, belong to the same key and be within the limits', async () => {
  await using t = await openTestApp();
  const asset = { owner, method: 'direct', filename: 'take 3.mov' } as const;
  const ready = await t.assets.create({ ...asset, id: newId() });
  const give = (assetId: string) => create(t, { kind: 'asset', assetId });
  await t.assets.setReady(ready.id, VIDEO);
  const sound = await t.assets.create({ ...asset, id: newId() });
  await t.assets.setReady(sound.id, AUDIO);
  assert.equal((await refusal(give(sound.id))).code, 'media_has_no_track');
  const failed = await t.assets.create({ ...asset, id: newId() });
  await t.assets.setFailed(failed.id, { code: 'video_file_broken', message: 'It breaks off after 2 s.' });
  const broken = await refusal(give(failed.id));
  assert.deepEqual([broken.status, broken.code], [400, 'video_file_broken']);
  assert.match(broken.message, /breaks off after 2 s/);
  const foreign = await t.assets.create({ ...asset, id: newId(), owner: 'another' });
  await t.assets.setReady(foreign.id, VIDEO);
  for (const id of [foreign.id, newId(), 'nonsense']) {
    const unknown = await refusal(give(id));
    assert.deepEqual([unknown.status, unknown.code], [400, 'resource_not_exist']);
    assert.match(unknown.message, /video\.media_source\.asset_id/);
  }
  await nothingKept(t);
  assert.equal((await give(ready.id)).request.filename, 'take 3.mov');
});

test('creation waits for an asset in preparation; after the timeout the task waits for it', async () => {
  await using t = await openTestApp((deps) => ({ ...deps, embedding: { ...deps.embedding, assetWaitMs: 500 } }));
  const asset = { owner, method: 'direct', filename: 'take 3.mov' } as const;
  const give = (assetId: string) => create(t, { kind: 'asset', assetId });
  const slow = await t.assets.create({ ...asset, id: newId() });
  const task = await give(slow.id);
  assert.deepEqual([task.status, task.contentId, task.request.filename], ['processing', undefined, 'take 3.mov']);
  const failing = await t.assets.create({ ...asset, id: newId() });
  const refused = refusal(give(failing.id));
  await t.assets.setFailed(failing.id, { code: 'video_file_broken', message: 'It breaks off after 2 s.' });
  assert.match((await refused).message, /breaks off after 2 s/);
  const deleted = await t.assets.create({ ...asset, id: newId() });
  const gone = refusal(give(deleted.id));
  await t.assets.delete(deleted.id, owner);
  assert.equal((await gone).code, 'resource_not_exist');
});

test('a task that could not be started is stored, not refused', async () => {
  await using t = await openTestApp((deps) => ({
    ...deps,
    embedding: { ...deps.embedding, start: () => Promise.reject(new Error('engine down')) },
  }));
  const task = await create(t, { kind: 'url', url: 'https://media.test/a.mp4' });
  assert.equal((await t.tasks.unstarted()).length, 1);
  assert.ok(t.log.some((line) => line['taskId'] === task.id && line['msg'] === 'task not started'));
});

test('no task is created if the client disconnected before it was stored', async () => {
  await using t = await openTestApp();
  const signal = AbortSignal.abort(new Error('hung up'));
  await assert.rejects(create(t, { kind: 'url', url: 'https://media.test/a.mp4' }, undefined, signal), /hung up/);
  await assert.rejects(create(t, { kind: 'base64' }, MP4_HEAD.toString('base64'), signal), /hung up/);
  await nothingKept(t);
});
