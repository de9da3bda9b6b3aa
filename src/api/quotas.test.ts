import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO, CONFIGURED_KEY, openTestApp, type TestApp } from '../../test/support/app.ts';
import type { QuotaLimits } from '../quotas/quotas.ts';

const open = (limits: QuotaLimits) => openTestApp(undefined, { limits });

const FLAC = Buffer.concat([Buffer.from('fLaC'), Buffer.alloc(100)]);
const fromUrl = { url: 'https://host.test/song.flac' };
/** Media of half a minute, the duration that the fixture's probe returns. */
const fromBase64 = { base64_string: FLAC.toString('base64') };

async function createTask(t: TestApp, mediaSource: object, key = CONFIGURED_KEY) {
  t.media = AUDIO;
  const response = await t.app.inject({
    method: 'POST',
    url: '/v1.3/embed-v2/tasks',
    headers: { 'x-api-key': key },
    payload: { input_type: 'audio', model_name: 'marengo3.0', audio: { media_source: mediaSource } },
  });
  return { status: response.statusCode, body: response.json(), headers: response.headers };
}

async function upload(t: TestApp, bytes: number, key = CONFIGURED_KEY) {
  const form = new FormData();
  form.append('method', 'direct');
  form.append('file', new File([new Uint8Array(Buffer.concat([FLAC, Buffer.alloc(bytes - FLAC.length)]))], 'a.flac'));
  const encoded = new Response(form);
  const response = await t.app.inject({
    method: 'POST',
    url: '/v1.3/assets',
    headers: { 'content-type': encoded.headers.get('content-type')!, 'x-api-key': key },
    payload: Buffer.from(await encoded.arrayBuffer()),
  });
  return { status: response.statusCode, body: response.json() };
}

async function begin(t: TestApp, total_size: number) {
  const response = await t.app.inject({
    method: 'POST',
    url: '/v1.3/assets/multipart-uploads',
    headers: { 'x-api-key': CONFIGURED_KEY },
    payload: { filename: 'a.mp4', type: 'video', total_size },
  });
  return { status: response.statusCode, body: response.json() };
}

test('without quotas nothing is limited, and no header speaks of limits', async () => {
  await using t = await open({});
  const { status, headers } = await createTask(t, fromUrl);
  assert.equal(status, 202);
  assert.ok(!Object.keys(headers).some((name) => name.startsWith('x-ratelimit')));
});

test('more tasks than may run at the same time are 429, until one has ended', async () => {
  await using t = await open({ tasks: 2 });
  const first = await createTask(t, fromUrl);
  assert.deepEqual([first.headers['x-ratelimit-dimensions'], first.headers['x-ratelimit-task-limit']], ['Task', '2']);
  assert.equal(first.headers['x-ratelimit-task-remaining'], '1');
  assert.equal((await createTask(t, fromUrl)).status, 202);
  const { status, body, headers } = await createTask(t, fromUrl);
  assert.deepEqual([status, body.code, body.error.code], [429, 'too_many_requests', 'too_many_requests']);
  assert.match(body.message, /2 tasks may run at the same time/);
  assert.ok(Number(headers['retry-after']) > 0);
  assert.equal(headers['x-ratelimit-task-remaining'], '0');
  assert.equal(headers['x-ratelimit-task-used'], '2', 'the one that was refused does not run');
  assert.equal(t.started.length, 2);
  await t.tasks.setReady(first.body._id, []);
  assert.equal((await createTask(t, fromUrl)).status, 202);
});

test('of many tasks at the same time exactly as many pass as may run', async () => {
  await using t = await open({ tasks: 3 });
  const answers = await Promise.all(Array.from({ length: 12 }, () => createTask(t, fromUrl)));
  assert.equal(answers.filter(({ status }) => status === 202).length, 3);
  assert.equal(answers.filter(({ status }) => status === 429).length, 9);
  assert.equal((await t.tasks.unstarted()).length, 3);
});

test('minutes of media in a day: what fits passes, what is too much is 429 until midnight, deleted tasks count on', async () => {
  await using t = await open({ minutesPerDay: 1.2 });
  const first = await createTask(t, fromBase64);
  assert.equal(first.status, 202);
  assert.equal(first.headers['x-ratelimit-dimensions'], 'Duration');
  assert.equal(first.headers['x-ratelimit-duration-limit'], '72');
  assert.equal(first.headers['x-ratelimit-duration-used'], '30');
  assert.equal((await createTask(t, fromBase64)).headers['x-ratelimit-duration-remaining'], '12');
  const { owner } = (await t.tasks.get(first.body._id))!;
  await t.tasks.delete(first.body._id, owner);
  await t.blobs.remove(`tasks/${first.body._id}/`);
  const { status, body, headers } = await createTask(t, fromBase64);
  assert.deepEqual([status, body.code], [429, 'too_many_requests']);
  assert.match(body.message, /1\.2 min of media.*1 min were, and this task has 0\.5 min/);
  const midnight = Math.ceil(Date.now() / 86_400_000) * 86_400;
  assert.equal(Number(headers['x-ratelimit-duration-reset']), midnight);
  assert.equal(headers['x-ratelimit-duration-used'], '60');
  assert.equal(headers['x-ratelimit-duration-remaining'], '12');
  assert.ok(Math.abs(Number(headers['retry-after']) - (midnight - Date.now() / 1000)) < 5);
  // The media of a refused task is not stored.
  assert.equal((await Array.fromAsync(t.blobs.list('tasks/'))).length, 1);
});

test('media of unknown length passes while anything is left, and counts once it is known', async () => {
  await using t = await open({ minutesPerDay: 0.5 });
  const { status, body } = await createTask(t, fromUrl);
  assert.equal(status, 202);
  const owner = (await t.tasks.get(body._id))!.owner;
  for (let i = 0; i < 2; i++) await t.quotas.charge({ id: body._id, owner, mediaSec: 31 });
  const [rate] = await t.quotas.rates(owner);
  assert.equal(rate?.used, 31);
  assert.equal((await createTask(t, fromUrl)).status, 429);
});

test('bytes that are stored: more are refused with 403, by upload or in chunks, until something is deleted', async () => {
  await using t = await open({ bytes: 10_000 });
  const first = await upload(t, 4000);
  assert.equal(first.status, 201);
  const session = await begin(t, 5000);
  assert.equal(session.status, 201);
  for (const { status, body } of [await upload(t, 2000), await begin(t, 1001)]) {
    assert.deepEqual([status, body.code], [403, 'usage_limit_exceeded']);
    assert.match(body.message, /bytes may.*Delete assets/);
  }
  assert.equal((await Array.fromAsync(t.blobs.list('assets/'))).length, 1);
  const headers = { 'x-api-key': CONFIGURED_KEY };
  await t.app.inject({ method: 'DELETE', url: `/v1.3/assets/${first.body._id}`, headers });
  assert.equal((await upload(t, 5000)).status, 201);
});

test('of many uploads at the same time none passes that finds no room', async () => {
  await using t = await open({ bytes: 10_000 });
  const answers = await Promise.all(Array.from({ length: 10 }, () => upload(t, 3000)));
  assert.equal(answers.filter(({ status }) => status === 201).length, 3);
  assert.equal((await Array.fromAsync(t.blobs.list('assets/'))).length, 3);
});

test('each key has what is its own: quotas of the key go before those of the settings', async () => {
  await using t = await open({ tasks: 1, bytes: 1000 });
  const wide = await t.keys.create('wide', { tasks: 2, bytes: 5000 });
  const narrow = await t.keys.create('narrow', { tasks: 0 });
  assert.deepEqual([(await createTask(t, fromUrl)).status, (await createTask(t, fromUrl)).status], [202, 429]);
  for (const expected of [202, 202, 429]) assert.equal((await createTask(t, fromUrl, wide.key)).status, expected);
  assert.equal((await createTask(t, fromUrl, narrow.key)).status, 429);
  assert.equal((await upload(t, 4000, wide.key)).status, 201);
  assert.equal((await upload(t, 4000, narrow.key)).status, 403);
});

test('media that is embedded while the client waits counts like that of tasks', async () => {
  await using t = await open({ minutesPerDay: 1 });
  t.media = AUDIO;
  const embed = () =>
    t.app.inject({
      method: 'POST',
      url: '/v1.3/embed-v2',
      headers: { 'x-api-key': CONFIGURED_KEY },
      payload: { input_type: 'audio', model_name: 'marengo3.0', audio: { media_source: fromBase64 } },
    });
  await embed();
  assert.equal((await createTask(t, fromBase64)).status, 202);
  const refused = await embed();
  assert.equal(refused.statusCode, 429, refused.body);
  assert.equal(refused.json().code, 'too_many_requests');
  assert.ok(Number(refused.headers['retry-after']) > 0);
  assert.equal(refused.headers['x-ratelimit-duration-used'], '60');
});
