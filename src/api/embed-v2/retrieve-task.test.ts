import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import {
  createVideoTask,
  finishTask,
  headers,
  retrieveTask,
  setProbed,
  TASKS,
} from '../../../test/support/api-tasks.ts';
import { CONFIGURED_KEY, openTestApp } from '../../../test/support/app.ts';
import { retrievedTask } from './schemas.ts';

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
  const id = await createVideoTask(t);
  const { created_at, updated_at, ...fresh } = retrievedTask.strict().parse((await retrieveTask(t, id)).json());
  assert.deepEqual(fresh, {
    _id: id,
    status: 'processing',
    warnings: [],
    progress: { fraction: 0, stage: 'queued' },
    data: null,
  });
  assert.ok(Date.parse(created_at) <= Date.parse(updated_at));
  await setProbed(t, id);
  await t.tasks.setPlan(id, [
    { startSec: 2, endSec: 12 },
    { startSec: 12, endSec: 22 },
  ]);
  await t.tasks.setChunkDone(id, 0, 5);
  const later = (await retrieveTask(t, id)).json();
  assert.deepEqual(later.progress, { fraction: 0.25, stage: 'embedding' });
  assert.deepEqual(later.metadata, metadata);
});

test('clip_length is there for video in fixed segments, and whole', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t, { segmentation: { strategy: 'fixed', fixed: { duration_sec: 6 } } });
  await setProbed(t, id);
  assert.equal((await retrieveTask(t, id)).json().metadata.clip_length, 6);
});

test('a ready task has its vectors, each float32 as it was', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  await setProbed(t, id);
  const rows = await finishTask(t, id, ['There is no sound.']);
  const response = await retrieveTask(t, id);
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
  const id = await createVideoTask(t);
  await t.tasks.setFailed(id, { code: 'video_file_broken', message: 'It breaks off after 2 s.' });
  const body = retrievedTask.strict().parse((await retrieveTask(t, id)).json());
  assert.deepEqual([body.status, body.data, body.metadata], ['failed', null, undefined]);
  assert.deepEqual(body.error, { code: 'video_file_broken', message: 'It breaks off after 2 s.' });
});

test('a task of another key, an unknown id and what is no id are all the same 404', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
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
  assert.equal((await retrieveTask(t, id)).statusCode, 200);
});

test('HEAD tells that a task is there without reading its vectors', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  await t.tasks.setReady(id, []);
  const response = await t.app.inject({ method: 'HEAD', url: `${TASKS}/${id}`, headers });
  assert.deepEqual([response.statusCode, response.body], [200, '']);
});

test('a client that holds the result already is told so, and one that asks for it compressed gets the same in fewer bytes', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  await finishTask(t, id);
  const plain = await retrieveTask(t, id);
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

test('a result may be kept by its client alone, and is asked for again by its tag', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  await finishTask(t, id);
  for (const format of ['json', 'arrow']) {
    const { headers: got } = await retrieveTask(t, id, `?format=${format}`);
    const etag = String(got['etag']);
    assert.match(etag, new RegExp(`^W/"${id}-\\d+${format === 'json' ? '' : '-arrow'}"$`));
    assert.equal(got['cache-control'], 'private, no-cache');
    assert.match(String(got['vary']), /accept/);
    assert.equal(got['reelvec-bundle'], 'signal@1');
    const attachment = format === 'json' ? undefined : `attachment; filename="${id}.arrow"`;
    assert.equal(got['content-disposition'], attachment);
    const known = await retrieveTask(t, id, `?format=${format}`, { 'if-none-match': etag });
    assert.deepEqual([known.statusCode, known.headers['etag'], known.body], [304, etag, '']);
    assert.equal(known.headers['cache-control'], 'private, no-cache');
    assert.match(String(known.headers['vary']), /accept/);
  }
});

test('a task that is in progress or has failed is never kept', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  for (const status of ['processing', 'failed']) {
    const { statusCode, headers: got, json } = await retrieveTask(t, id, '', { 'if-none-match': '*' });
    assert.deepEqual(
      [statusCode, json().status, got['etag'], got['cache-control']],
      [200, status, undefined, undefined],
    );
    assert.equal(got['reelvec-bundle'], undefined);
    assert.match(String(got['vary']), /accept/);
    await t.tasks.setFailed(id, { code: 'video_file_broken', message: 'x' });
  }
});

test('the log of a request names its task', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  await retrieveTask(t, id);
  await t.app.inject({ method: 'DELETE', url: `${TASKS}/${id}`, headers });
  const events = t.log.filter(({ msg, taskId }) => msg === 'request' && taskId === id);
  assert.deepEqual(
    events.map(({ method }) => method),
    ['POST', 'GET', 'DELETE'],
  );
});

test('the source of the words is told, and every stage and option that a task can have', async () => {
  await using t = await openTestApp();
  const plan = [{ startSec: 2, endSec: 12 }];
  for (const source of ['subtitles', 'speech'] as const) {
    const id = await createVideoTask(t);
    await setProbed(t, id);
    await t.tasks.setPlan(id, plan, source);
    assert.equal((await retrieveTask(t, id)).json().metadata.transcription_source, source);
    for (const stage of ['queued', 'fetching', 'probing', 'embedding', 'finalizing'] as const) {
      await t.tasks.setStage(id, stage);
      assert.equal((await retrieveTask(t, id)).json().progress.stage, stage);
    }
    await t.tasks.setChunkDone(id, 0, 10);
    assert.equal((await retrieveTask(t, id)).json().progress.fraction, 1);
  }
});

test('a bundle whose name is no header text is named in the body alone', async () => {
  await using t = await openTestApp((deps) => ({
    ...deps,
    embedding: { ...deps.embedding, bundle: { ...deps.embedding.bundle, name: 'süß' } },
  }));
  const id = await createVideoTask(t);
  await setProbed(t, id);
  await finishTask(t, id);
  const { headers: got, json } = await retrieveTask(t, id);
  assert.equal(got['reelvec-bundle'], undefined);
  assert.match(json().metadata.bundle, /^süß@/);
});
