import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AssetApp, assetApp } from '../../../test/support/asset-app.ts';
import { newId } from '../../database/ids.ts';

async function seed({ assets, blobs }: AssetApp): Promise<string> {
  const id = newId();
  await assets.create({ id, owner: 'me', method: 'direct', filename: 'film.mp4' });
  await blobs.write(`assets/${id}/source`, Buffer.from('film'));
  return id;
}

async function remove({ app }: AssetApp, path: string) {
  const response = await app.inject({
    method: 'DELETE',
    url: `/v1.3/assets/${path}`,
    headers: { 'x-api-key': 'me' },
  });
  return { status: response.statusCode, body: response.body === '' ? undefined : response.json() };
}

test('an asset that a task is using is not deleted, and the answer names the task', async () => {
  await using made = await assetApp();
  const id = await seed(made);
  made.usedBy.set(id, ['task1', 'task2']);
  for (const path of [id, `${id}?force=false`]) {
    const { status, body } = await remove(made, path);
    assert.deepEqual([status, body.code], [409, 'conflict']);
    assert.match(body.message, /used by the task task1 and 1 more.*force=true/);
    assert.deepEqual(body.details.tasks, ['task1', 'task2']);
  }
  assert.ok(await made.blobs.stat(`assets/${id}/source`));
});

test('with force it goes, and the tasks fail with the reason', async () => {
  await using made = await assetApp();
  const id = await seed(made);
  made.usedBy.set(id, ['task1']);
  assert.equal((await remove(made, `${id}?force=true`)).status, 204);
  assert.deepEqual(made.failed, [`task1: The asset ${id} was deleted, with force, while the task was using it.`]);
  assert.equal(await made.assets.get(id), undefined);
  assert.equal(await made.blobs.stat(`assets/${id}/source`), undefined);
});

test('force does no harm where nothing uses the asset, and must be true or false', async () => {
  await using made = await assetApp();
  const id = await seed(made);
  const { status, body } = await remove(made, `${id}?force=yes`);
  assert.deepEqual([status, body.details.field], [400, 'force']);
  assert.equal((await remove(made, `${id}?force=true`)).status, 204);
  assert.equal((await remove(made, id)).status, 404);
});
