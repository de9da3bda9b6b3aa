import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { CONFIGURED_KEY, openTestApp, type TestApp, VIDEO } from '../../../test/support/app.ts';
import { type EmbeddingRow, encodeBlock, writeResult } from '../../tasks/results/results.ts';
import { resultKey } from '../../tasks/work.ts';
import { retrievedTask } from './schemas.ts';

const headers = { 'x-api-key': CONFIGURED_KEY };
const TASKS = '/v1.3/embed-v2/tasks';

async function create({ app }: TestApp, fields: object = {}): Promise<string> {
  const payload = {
    input_type: 'video',
    model_name: 'marengo3.0',
    video: { media_source: { url: 'https://media.test/a.mp4' }, ...fields },
  };
  return (await app.inject({ method: 'POST', url: TASKS, headers, payload })).json()._id;
}

function retrieve({ app }: TestApp, id: string, query = '') {
  return app.inject({ url: `${TASKS}/${id}${query}`, headers });
}

async function probed({ tasks }: TestApp, id: string): Promise<void> {
  await tasks.setProbed(id, VIDEO, { startSec: 2, endSec: 20.5 });
}

async function ready(t: TestApp, id: string, warnings: string[] = []): Promise<EmbeddingRow[]> {
  const embedding = Float32Array.from({ length: 512 }, (_, i) => (i === 3 ? 0.8 : i === 4 ? -0.6 : 0));
  const rows = [2, 8].map((startSec, segment) => {
    return { segment, startSec, endSec: startSec + 6, option: 'visual', scope: 'clip', embedding } as const;
  });
  const facts = { task: id, bundle: 'signal@1' };
  await t.blobs.write(`tasks/${id}/block`, encodeBlock(rows, { ...facts, segments: 2 }));
  await writeResult({
    blobs: t.blobs,
    blocks: [`tasks/${id}/block`],
    key: resultKey(id),
    request: { scopes: ['clip', 'asset'] },
    range: { startSec: 2, endSec: 20.5 },
    facts,
  });
  await t.tasks.setReady(id, warnings);
  return rows;
}

const metadata = {
  input_type: 'video',
  input_url: 'https://media.test/a.mp4',
  input_filename: 'a.mp4',
  embedding_scopes: ['clip', 'asset'],
  embedding_options: ['visual', 'audio', 'transcription'],
  duration: 20.5,
  start_offset_sec: 2,
  end_offset_sec: 20.5,
  bundle: 'signal@1',
};

test('while it is processed a task says how far it is, and of its media only what is known', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  const { created_at, updated_at, ...fresh } = retrievedTask.strict().parse((await retrieve(t, id)).json());
  assert.deepEqual(fresh, {
    _id: id,
    status: 'processing',
    warnings: [],
    progress: { fraction: 0, stage: 'queued' },
    data: null,
  });
  assert.ok(Date.parse(created_at) <= Date.parse(updated_at));
  await probed(t, id);
  await t.tasks.setPlan(id, [
    { startSec: 2, endSec: 12 },
    { startSec: 12, endSec: 22 },
  ]);
  await t.tasks.setChunkDone(id, 0, 5);
  const later = (await retrieve(t, id)).json();
  assert.deepEqual(later.progress, { fraction: 0.25, stage: 'embedding' });
  assert.deepEqual(later.metadata, metadata);
});

test('clip_length is there for video in fixed segments, and whole', async () => {
  await using t = await openTestApp();
  const id = await create(t, { segmentation: { strategy: 'fixed', fixed: { duration_sec: 6 } } });
  await probed(t, id);
  assert.equal((await retrieve(t, id)).json().metadata.clip_length, 6);
});

test('a ready task has its vectors, each float32 as it was', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  await probed(t, id);
  const rows = await ready(t, id, ['There is no sound.']);
  const response = await retrieve(t, id);
  assert.equal(response.headers['content-type'], 'application/json; charset=utf-8');
  const body = retrievedTask.strict().parse(response.json());
  assert.deepEqual(Object.keys(body).sort(), [
    '_id',
    'created_at',
    'data',
    'metadata',
    'status',
    'updated_at',
    'warnings',
  ]);
  assert.deepEqual([body.status, body.warnings], ['ready', ['There is no sound.']]);
  const data = body.data as { embedding: number[] }[];
  assert.deepEqual(
    data.map(({ embedding, ...item }) => item),
    [
      { embedding_option: 'visual', embedding_scope: 'clip', start_sec: 2, end_sec: 8 },
      { embedding_option: 'visual', embedding_scope: 'clip', start_sec: 8, end_sec: 14 },
      { embedding_option: 'visual', embedding_scope: 'asset', start_sec: 2, end_sec: 20.5 },
    ],
  );
  for (const item of data) assert.deepEqual(Float32Array.from(item.embedding), rows[0]!.embedding);
  assert.match(response.body, /"embedding":\[0,0,0,0\.8,-0\.6,0,/);
});

test('a failed task says why', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  await t.tasks.setFailed(id, { code: 'video_file_broken', message: 'It breaks off after 2 s.' });
  const body = retrievedTask.strict().parse((await retrieve(t, id)).json());
  assert.deepEqual([body.status, body.data, body.metadata], ['failed', null, undefined]);
  assert.deepEqual(body.error, { code: 'video_file_broken', message: 'It breaks off after 2 s.' });
});

test('a task of another key, an unknown id and what is no id are all the same 404', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  const { key } = await t.keys.create('other');
  for (const [other, used] of [
    [id, key],
    ['0123456789abcdef01234567', CONFIGURED_KEY],
    ["x' or 1=1 --", CONFIGURED_KEY],
  ] as const) {
    for (const method of ['GET', 'DELETE'] as const) {
      const response = await t.app.inject({
        method,
        url: `${TASKS}/${encodeURIComponent(other)}`,
        headers: { 'x-api-key': used },
      });
      assert.deepEqual([response.statusCode, response.json().code], [404, 'resource_not_exist']);
      assert.ok(response.json().message.includes(other) && response.json().message.includes('embed-v2/tasks'));
    }
  }
  assert.equal((await retrieve(t, id)).statusCode, 200);
});

test('wait answers as soon as the task leaves processing, and at the latest when the time is over', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  let start = performance.now();
  assert.equal((await retrieve(t, id, '?wait=0.3')).json().status, 'processing');
  assert.ok(performance.now() - start >= 295);
  start = performance.now();
  const waiting = retrieve(t, id, '?wait=30');
  await sleep(50);
  await t.tasks.setFailed(id, { code: 'video_file_broken', message: 'x' });
  assert.equal((await waiting).json().status, 'failed');
  assert.ok(performance.now() - start < 2000);
  for (const wrong of ['-1', '61', 'long', '']) {
    const response = await retrieve(t, id, `?wait=${wrong}`);
    if (wrong === '') assert.equal(response.statusCode, 200);
    else assert.match(response.json().message, /^wait must be/);
  }
});

test('who waits for a task that is deleted meanwhile gets 404', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  const waiting = retrieve(t, id, '?wait=30');
  await sleep(50);
  assert.equal((await t.app.inject({ method: 'DELETE', url: `${TASKS}/${id}`, headers })).statusCode, 204);
  assert.equal((await waiting).statusCode, 404);
});

test('a task is not looked at any more once the client that waited has hung up', async (context) => {
  await using t = await openTestApp();
  const id = await create(t);
  await t.app.listen();
  const { port } = t.app.server.address() as AddressInfo;
  const hangUp = new AbortController();
  const waiting = fetch(`http://127.0.0.1:${port}${TASKS}/${id}?wait=60`, { headers, signal: hangUp.signal });
  setTimeout(() => hangUp.abort(), 100);
  await assert.rejects(waiting);
  await sleep(400);
  const line = t.log.find((entry) => entry['taskId'] === id && entry['method'] === 'GET');
  assert.equal(line?.['hungUp'], true);
  const look = context.mock.method(t.tasks, 'get');
  await sleep(500);
  assert.equal(look.mock.callCount(), 0);
});

test('a server that stops answers those who wait at once', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  await t.app.listen();
  const { port } = t.app.server.address() as AddressInfo;
  const waiting = fetch(`http://127.0.0.1:${port}${TASKS}/${id}?wait=60`, { headers });
  await sleep(300);
  const start = performance.now();
  await t.app.close();
  assert.ok(performance.now() - start < 1000);
  const body = (await (await waiting).json()) as { status: string };
  assert.equal(body.status, 'processing');
});

test('delete removes the row and all blobs of the task, and no neighbour', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  const neighbour = await create(t);
  await ready(t, id);
  await ready(t, neighbour);
  const response = await t.app.inject({ method: 'DELETE', url: `${TASKS}/${id}`, headers });
  assert.deepEqual([response.statusCode, response.body], [204, '']);
  assert.deepEqual(await Array.fromAsync(t.blobs.list(`tasks/${id}/`), ({ key }) => key), []);
  assert.equal((await retrieve(t, id)).statusCode, 404);
  assert.equal((await t.app.inject({ method: 'DELETE', url: `${TASKS}/${id}`, headers })).statusCode, 404);
  assert.equal((await retrieve(t, neighbour)).json().data.length, 3);
});

test('HEAD tells that a task is there without reading its vectors', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  await t.tasks.setReady(id, []);
  const response = await t.app.inject({ method: 'HEAD', url: `${TASKS}/${id}`, headers });
  assert.deepEqual([response.statusCode, response.body], [200, '']);
});

test('a result that cannot be read is a plain 500', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  await t.tasks.setReady(id, []);
  await t.blobs.write(resultKey(id), Buffer.alloc(1000, 'no Arrow'));
  const response = await retrieve(t, id);
  assert.deepEqual([response.statusCode, response.json().code], [500, 'internal_server_error']);
});

test('a lost result whose media was not kept is told, and the task stays as it is', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  await t.tasks.setReady(id, []);
  for (const format of ['json', 'ndjson', 'arrow', 'parquet']) {
    const response = await retrieve(t, id, `?format=${format}`);
    assert.deepEqual([response.statusCode, response.json().code], [404, 'resource_not_exist']);
    assert.match(response.json().message, /is missing from the server's store .* did not come as an asset/);
  }
  assert.equal((await t.tasks.get(id))?.status, 'ready');
  await ready(t, id);
  assert.equal((await retrieve(t, id)).statusCode, 200, 'put back, it is there again');
});

test('a lost result of an asset is made again by one run, however many ask for it', async () => {
  await using t = await openTestApp();
  const owner = (await t.tasks.get(await create(t)))!.owner;
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
  const id = await create(t, { media_source: { asset_id: asset.id } });
  await ready(t, id);
  t.started.length = 0;
  const [{ etag }, whole] = await retrieve(t, id).then(({ headers, json }) => [headers, json()] as const);
  await t.blobs.remove(resultKey(id));

  const answers = await Promise.all(
    ['', '?format=arrow', '?format=parquet', ''].map((query) => retrieve(t, id, query)),
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

  const waiting = retrieve(t, id, '?wait=20');
  await ready(t, id);
  const again = await waiting;
  const comparable = ({ updated_at, ...rest }: Record<string, unknown>) => rest;
  assert.deepEqual(comparable(again.json()), comparable(whole));
  assert.notEqual(again.headers.etag, etag);

  await t.blobs.remove(resultKey(id));
  await t.blobs.remove(`assets/${asset.id}/source`);
  const gone = await retrieve(t, id);
  assert.deepEqual([gone.statusCode, gone.json().code], [404, 'resource_not_exist']);
  assert.match(gone.json().message, /media of the asset a+ is missing too/);
  await t.assets.delete(asset.id, owner);
  assert.match((await retrieve(t, id)).json().message, /the asset a+ was deleted/);
});

test('a result that breaks off midway breaks the connection: it must not look whole', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  const [row] = await ready(t, id);
  const rows = Array.from({ length: 2000 }, (_, segment) => ({ ...row!, segment }));
  const whole = encodeBlock(rows, { task: id, bundle: 'signal@1', segments: 2000 });
  await t.blobs.write(resultKey(id), whole.subarray(0, whole.length >> 1));
  await t.app.listen();
  const { port } = t.app.server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${TASKS}/${id}`, { headers });
  assert.equal(response.status, 200);
  await assert.rejects(response.text());
});

test('a client that holds the result already is told so, and one that asks for it compressed gets the same in fewer bytes', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  await ready(t, id);
  const plain = await retrieve(t, id);
  const etag = String(plain.headers['etag']);
  for (const [given, status] of [
    [etag, 304],
    [`"other", ${etag}`, 304],
    ['*', 304],
    ['"other"', 200],
  ] as const) {
    const url = `${TASKS}/${id}`;
    const again = await t.app.inject({ url, headers: { ...headers, 'if-none-match': given } });
    assert.equal(again.statusCode, status);
    if (status === 304) assert.equal(again.body, '');
  }
  for (const [asked, given, unpack] of [
    ['gzip', 'gzip', gunzipSync],
    ['gzip, deflate', 'gzip', gunzipSync],
    ['gzip, deflate, br, zstd', 'zstd', zstdDecompressSync],
  ] as const) {
    const packed = await t.app.inject({ url: `${TASKS}/${id}`, headers: { ...headers, 'accept-encoding': asked } });
    assert.equal(packed.headers['content-encoding'], given);
    assert.ok(packed.rawPayload.length < plain.rawPayload.length / 2);
    assert.equal(unpack(packed.rawPayload).toString(), plain.body);
  }
});
