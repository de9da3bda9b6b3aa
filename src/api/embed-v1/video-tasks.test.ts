import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIGURED_KEY, MP4_HEAD, openTestApp, type TestApp } from '../../../test/support/app.ts';

type Parts = readonly (readonly [name: string, value: string | File])[];
const headers = { 'x-api-key': CONFIGURED_KEY };
const film = new File([new Uint8Array(MP4_HEAD)], 'film.mp4');
const URL_PART = ['video_url', 'https://media.test/a.mp4'] as const;

async function create({ app }: TestApp, parts: Parts, more: Record<string, string> = {}) {
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value);
  const encoded = new Response(form);
  const response = await app.inject({
    method: 'POST',
    url: '/v1.3/embed/tasks',
    headers: { 'content-type': encoded.headers.get('content-type')!, ...headers, ...more },
    payload: Buffer.from(await encoded.arrayBuffer()),
  });
  return { status: response.statusCode, body: response.json() };
}

async function get({ app }: TestApp, path: string) {
  const response = await app.inject({ url: `/v1.3/embed/tasks${path}`, headers });
  return { status: response.statusCode, body: response.json() };
}

async function keysOf({ blobs }: TestApp): Promise<string[]> {
  return Array.fromAsync(blobs.list('tasks/'), ({ key }) => key);
}

test('a form with a URL makes a task of segments of fixed length', async () => {
  await using t = await openTestApp();
  const { status, body } = await create(t, [['model_name', 'marengo3.0'], URL_PART]);
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body), ['_id']);
  const { source, segmentation, options, scopes, startSec, endSec } = (await t.tasks.get(body._id))!.request;
  assert.deepEqual(source, { kind: 'url', url: URL_PART[1] });
  assert.deepEqual(segmentation, { strategy: 'fixed', durationSec: 6 });
  assert.deepEqual([options, scopes], [['visual', 'audio', 'transcription'], ['clip']]);
  assert.deepEqual([startSec, endSec], [0, undefined]);
  assert.deepEqual(t.started, [body._id]);
});

test('a file becomes the source of its task, and all fields apply', async () => {
  await using t = await openTestApp();
  const { body } = await create(t, [
    ['video_file', film],
    ['video_embedding_scope', 'clip'],
    ['video_embedding_scope', 'video'],
    ['video_start_offset_sec', '1.5'],
    ['video_end_offset_sec', '9'],
    ['video_clip_length', '5.0'],
  ]);
  const { request } = (await t.tasks.get(body._id))!;
  assert.deepEqual(request.source, { kind: 'upload' });
  assert.deepEqual(request.segmentation, { strategy: 'fixed', durationSec: 5 });
  assert.deepEqual([request.startSec, request.endSec, request.filename], [1.5, 9, 'film.mp4']);
  assert.deepEqual(request.scopes, ['clip', 'asset']);
  assert.deepEqual(await keysOf(t), [`tasks/${body._id}/source`]);
});

test('a range may begin and end within the first second', async () => {
  await using t = await openTestApp();
  const range = [
    ['video_start_offset_sec', '0.25'],
    ['video_end_offset_sec', '0.75'],
    ['video_clip_length', '2'],
  ] as const;
  const { body } = await create(t, [URL_PART, ...range]);
  const { startSec, endSec, segmentation } = (await t.tasks.get(body._id))!.request;
  assert.deepEqual([startSec, endSec, segmentation], [0.25, 0.75, { strategy: 'fixed', durationSec: 2 }]);
});

test('a URL takes precedence over a file, which is removed', async () => {
  await using t = await openTestApp();
  const { body } = await create(t, [['video_file', film], URL_PART]);
  assert.equal((await t.tasks.get(body._id))?.request.source.kind, 'url');
  assert.deepEqual(await keysOf(t), []);
});

test('the same file with the same Idempotency-Key is one task', async () => {
  await using t = await openTestApp();
  const key = { 'idempotency-key': 'once' };
  const first = await create(t, [['video_file', film]], key);
  const second = await create(t, [['video_file', film]], key);
  assert.deepEqual(second.body, first.body);
  assert.deepEqual(await keysOf(t), [`tasks/${first.body._id}/source`]);
  const other = await create(t, [['video_file', new File([new Uint8Array(MP4_HEAD), 'x'], 'film.mp4')]], key);
  assert.equal(other.status, 409);
});

const REFUSED: [parts: Parts, code: string, field: string, message: RegExp][] = [
  [[['model_name', 'marengo3.0']], 'parameter_not_provided', 'video_url', /^One of video_url and video_file/],
  [[URL_PART, ['video_clip_length', '11']], 'parameter_invalid', 'video_clip_length', /at most 10: got "?11/],
  [[URL_PART, ['video_clip_length', '2.5']], 'parameter_invalid', 'video_clip_length', /a whole number/],
  [
    [URL_PART, ['video_start_offset_sec', '5'], ['video_end_offset_sec', '5']],
    'parameter_invalid',
    'video_end_offset_sec',
    /more than video_start_offset_sec, which is 5/,
  ],
  [[URL_PART, ['video_embedding_scope', 'asset']], 'parameter_invalid', 'video_embedding_scope.0', /"clip" or "video"/],
  [[URL_PART, ['embedding_option', 'visual']], 'parameter_unknown', 'embedding_option', /Known here/],
  [[['video_url', 'ftp://a.test/a.mp4']], 'parameter_invalid', 'video_url', /^video_url /],
  [[['video_file', new File(['<html>'], 'a.html')]], 'source_not_media', 'video_file', /The file is/],
  [[['video_file', new File([new Uint8Array(4_000_001)], 'a')]], 'video_filesize_too_large', 'video_file', /4000000/],
];
test('what is wrong is named by the field of the form, and nothing is kept', async () => {
  await using t = await openTestApp();
  for (const [parts, code, field, message] of REFUSED) {
    const { status, body } = await create(t, parts);
    assert.deepEqual([status, body.code, body.details?.field], [400, code, field], JSON.stringify(body));
    assert.match(body.message, message);
    assert.deepEqual([await keysOf(t), t.started], [[], []]);
  }
});

test('status and list show video tasks only, however they were created', async () => {
  await using t = await openTestApp();
  const { body } = await create(t, [URL_PART, ['video_embedding_scope', 'video']]);
  const tasks = { url: '/v1.3/embed-v2/tasks', method: 'POST', headers } as const;
  const source = { media_source: { url: 'https://media.test/a.flac' } };
  const payload = { input_type: 'audio', model_name: 'marengo3.0', audio: source };
  const audio = (await t.app.inject({ ...tasks, payload })).json();

  const { status, body: shown } = await get(t, `/${body._id}/status`);
  assert.equal(status, 200);
  assert.partialDeepStrictEqual(shown, {
    _id: body._id,
    model_name: 'marengo3.0',
    status: 'processing',
    video_embedding: { metadata: { video_clip_length: 6, video_embedding_scope: ['video'], input_url: URL_PART[1] } },
  });
  assert.deepEqual((await get(t, `/${body._id}`)).body, shown);
  const list = (await get(t, '')).body;
  assert.deepEqual([list.data, list.page_info.total_results], [[shown], 1]);
  const both = (await t.app.inject({ url: '/v1.3/embed-v2/tasks', headers })).json();
  assert.equal(both.page_info.total_results, 2);

  for (const path of [`/${audio._id}`, `/${audio._id}/status`, '/nothing']) {
    const missing = await get(t, path);
    assert.deepEqual([missing.status, missing.body.details.collection], [404, 'embed/tasks']);
  }
  await t.tasks.setFailed(body._id, { code: 'video_file_broken', message: 'It breaks off.' });
  assert.partialDeepStrictEqual((await get(t, `/${body._id}`)).body, {
    status: 'failed',
    error: { message: 'It breaks off.' },
  });
});
