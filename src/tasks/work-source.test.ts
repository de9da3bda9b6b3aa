import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addAsset, openTaskWork } from '../../test/support/task-work.ts';
import { assetKey } from '../assets/blobs.ts';
import { newId } from '../database/ids.ts';
import { ASSET_NOT_READY, sourceKey } from './work.ts';

test('a URL is downloaded into a blob of the attempt, within the size limit of its input type', async () => {
  await using t = await openTaskWork();
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
  await using t = await openTaskWork();
  const preparing = await addAsset(t, 'processing');
  const waiting = await t.create({ kind: 'asset', assetId: preparing.id });
  assert.equal(await t.work.fetch(waiting), ASSET_NOT_READY);
  const ready = await addAsset(t, 'ready');
  const id = await t.create({ kind: 'asset', assetId: ready.id });
  assert.equal(await t.work.fetch(id), assetKey(ready.id));
  assert.equal((await t.tasks.get(id))?.contentId, ready.id);
  const linked = await t.create({ kind: 'asset', assetId: 'deleted since' }, {}, ready.id);
  assert.equal(await t.work.fetch(linked), assetKey(ready.id), 'content that the task holds outlives its asset');
});

test('a deleted asset fails its task, also if deleted during the link', async () => {
  await using t = await openTaskWork();
  const gone = await t.create({ kind: 'asset', assetId: newId() });
  assert.equal(await t.work.fetch(gone), null);
  assert.partialDeepStrictEqual((await t.tasks.get(gone))?.error, { code: 'resource_not_exist' });
  const { id: assetId } = await addAsset(t, 'ready');
  const id = await t.create({ kind: 'asset', assetId });
  t.tasks.setContent = async () => false;
  assert.equal(await t.work.fetch(id), null);
  assert.match((await t.tasks.get(id))!.error!.message, new RegExp(`${assetId} was deleted before`));
});

test('missing media fails the task with a message that says so', async () => {
  await using t = await openTaskWork();
  const own = await t.create();
  t.blobs.blobs.clear();
  assert.equal(await t.work.plan(own, sourceKey(own)), null);
  assert.match((await t.tasks.get(own))!.error!.message, /media of the task is missing/);
  const { id: assetId } = await addAsset(t, 'ready');
  t.blobs.blobs.clear();
  const lost = await t.create({ kind: 'asset', assetId });
  assert.equal(await t.work.plan(lost, assetKey(assetId)), null);
  assert.match((await t.tasks.get(lost))!.error!.message, /media of the asset .* is missing/);
  const deleted = await t.create({ kind: 'asset', assetId: newId() });
  assert.equal(await t.work.plan(deleted, assetKey('x')), null);
  assert.match((await t.tasks.get(deleted))!.error!.message, /was deleted before/);
});

test('tidy keeps the blobs of a task in progress, and content that others retain', async () => {
  await using t = await openTaskWork();
  const ready = await addAsset(t, 'ready');
  const id = await t.create({ kind: 'asset', assetId: ready.id }, {}, ready.id);
  await t.blobs.write(`tasks/${id}/chunks/0000.arrow`, Buffer.from('block'));
  await t.work.tidy(id, ready.id);
  assert.deepEqual(t.keys(), [assetKey(ready.id), `tasks/${id}/chunks/0000.arrow`].sort());
  await t.db.updateTable('assets').set({ content_id: null }).where('id', '=', ready.id).execute();
  await t.tasks.setReady(id, []);
  await t.work.tidy(id, ready.id);
  assert.deepEqual(t.keys(), [], 'the last holder of the content is gone');
});
