import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createVideoTask, finishTask, headers, retrieveTask, TASKS } from '../../../test/support/api-tasks.ts';
import { openTestApp, VIDEO } from '../../../test/support/app.ts';
import { encodeBlock } from '../../tasks/results/results.ts';
import { resultKey } from '../../tasks/work.ts';

test('a result that cannot be read is a plain 500', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  await t.tasks.setReady(id, []);
  await t.blobs.write(resultKey(id), Buffer.alloc(1000, 'no Arrow'));
  const response = await retrieveTask(t, id);
  assert.deepEqual([response.statusCode, response.json().code], [500, 'internal_server_error']);
});

test('a lost result whose media was not kept is told, and the task stays as it is', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  await t.tasks.setReady(id, []);
  for (const format of ['json', 'ndjson', 'arrow', 'parquet']) {
    const response = await retrieveTask(t, id, `?format=${format}`);
    assert.deepEqual([response.statusCode, response.json().code], [404, 'resource_not_exist']);
    assert.match(response.json().message, /is missing from the server's store .* did not come as an asset/);
  }
  assert.equal((await t.tasks.get(id))?.status, 'ready');
  await finishTask(t, id);
  assert.equal((await retrieveTask(t, id)).statusCode, 200, 'put back, it is there again');
});

test('a lost result of an asset is made again by one run, however many ask for it', async () => {
  await using t = await openTestApp();
  const owner = (await t.tasks.get(await createVideoTask(t)))!.owner;
  const asset = await t.assets.create({
    id: 'a'.repeat(24),
    owner,
    method: 'direct',
    filename: 'a.mp4',
    fileType: 'video/mp4',
    size: 1,
  });
  await t.assets.setReady(asset.id, VIDEO, undefined);
  await t.blobs.write(`assets/${asset.id}/source`, Buffer.from('media'));
  const id = await createVideoTask(t, { media_source: { asset_id: asset.id } });
  await finishTask(t, id);
  t.started.length = 0;
  const [{ etag }, whole] = await retrieveTask(t, id).then(({ headers, json }) => [headers, json()] as const);
  await t.blobs.remove(resultKey(id));

  const answers = await Promise.all(
    ['', '?format=arrow', '?format=parquet', ''].map((query) => retrieveTask(t, id, query)),
  );
  assert.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    [200, 409, 409, 200],
  );
  assert.deepEqual(t.started, [id]);
  const { status, data, warnings } = answers[0]!.json();
  assert.deepEqual([status, data], ['processing', null]);
  assert.match(warnings[0], /missing from the server's store. It is being made again/);
  assert.match(answers[1]!.json().message, /is still being processed. .* being made again/);

  const waiting = retrieveTask(t, id, '?wait=20');
  await finishTask(t, id);
  const again = await waiting;
  const comparable = ({ updated_at, ...rest }: Record<string, unknown>) => rest;
  assert.deepEqual(comparable(again.json()), comparable(whole));
  assert.notEqual(again.headers.etag, etag);

  await t.blobs.remove(resultKey(id));
  await t.blobs.remove(`assets/${asset.id}/source`);
  const gone = await retrieveTask(t, id);
  assert.deepEqual([gone.statusCode, gone.json().code], [404, 'resource_not_exist']);
  assert.match(gone.json().message, /media of the asset a+ is missing too/);
  await t.assets.delete(asset.id, owner);
  assert.match((await retrieveTask(t, id)).json().message, /the asset a+ was deleted/);
});

test('a result that breaks off midway breaks the connection: it must not look whole', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  const [row] = await finishTask(t, id);
  const rows = Array.from({ length: 2000 }, (_, segment) => ({ ...row!, segment }));
  const whole = encodeBlock(rows, { task: id, bundle: 'signal@1', segments: 2000 });
  await t.blobs.write(resultKey(id), whole.subarray(0, whole.length >> 1));
  await t.app.listen();
  const { port } = t.app.server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${TASKS}/${id}`, { headers });
  assert.equal(response.status, 200);
  await assert.rejects(response.text());
});
