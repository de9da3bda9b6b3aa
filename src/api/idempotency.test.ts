import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIGURED_KEY, MP4_HEAD, openTestApp, type TestApp } from '../../test/support/app.ts';
import { openDatabase } from '../database/open.ts';
import { type Claim, IdempotencyKeys } from '../idempotency/keys.ts';

const BODY = {
  input_type: 'video',
  model_name: 'marengo3.0',
  video: { media_source: { url: 'https://host.test/a.mp4' } },
};

function post(
  { app }: TestApp,
  key: string,
  { body = BODY, apiKey = CONFIGURED_KEY }: { body?: object; apiKey?: string } = {},
) {
  return app.inject({
    method: 'POST',
    url: '/v1.3/embed-v2/tasks',
    headers: { 'x-api-key': apiKey, 'idempotency-key': key },
    payload: body,
  });
}

test('the same key and request give the first answer again, whatever the order of its fields', async () => {
  await using testApp = await openTestApp();
  const first = await post(testApp, 'k');
  const again = await post(testApp, 'k', { body: Object.fromEntries(Object.entries(BODY).reverse()) });
  assert.deepEqual([first.statusCode, again.statusCode], [202, 202]);
  assert.equal(again.body, first.body);
  assert.equal(again.headers['location'], first.headers['location']);
  assert.deepEqual([first.headers['idempotency-replayed'], again.headers['idempotency-replayed']], [undefined, 'true']);
  assert.equal(testApp.started.length, 1);
});

test('many at the same time make one task', async () => {
  await using testApp = await openTestApp();
  const answers = await Promise.all(Array.from({ length: 30 }, () => post(testApp, 'k')));
  assert.deepEqual(new Set(answers.map(({ statusCode }) => statusCode)), new Set([202]));
  assert.equal(new Set(answers.map(({ body }) => body)).size, 1);
  assert.equal(testApp.started.length, 1);
});

test('the same key with another request is refused', async () => {
  await using testApp = await openTestApp();
  await post(testApp, 'k');
  const other = await post(testApp, 'k', { body: { ...BODY, video: { ...BODY.video, start_sec: 1 } } });
  assert.deepEqual([other.statusCode, other.json().code], [409, 'conflict']);
  assert.equal(testApp.started.length, 1);
});

test('keys of two owners have nothing to do with each other', async () => {
  await using testApp = await openTestApp();
  const { key } = await testApp.keys.create('other');
  await post(testApp, 'k');
  assert.equal((await post(testApp, 'k', { apiKey: key })).headers['idempotency-replayed'], undefined);
  assert.equal(testApp.started.length, 2);
});

test('what was refused has not used the key up', async () => {
  await using testApp = await openTestApp();
  const gone = { ...BODY, video: { media_source: { url: 'https://gone.test/a.mp4' } } };
  assert.equal((await post(testApp, 'k', { body: gone })).statusCode, 400);
  assert.equal((await post(testApp, 'k')).statusCode, 202);
});

test('a key that is none is refused', async () => {
  await using testApp = await openTestApp();
  for (const key of ['with blank', 'x'.repeat(256)]) {
    const answer = await post(testApp, key);
    assert.deepEqual([answer.statusCode, answer.json().code], [400, 'parameter_invalid']);
  }
});

test('a holder that no longer moves loses the key once, and can then complete nothing', async () => {
  const db = await openDatabase(':memory:');
  const keys = new IdempotencyKeys(db);
  const wanted = { owner: 'me', key: 'k', fingerprint: 'f' };
  const frozen = (await keys.claim(wanted)) as Claim;
  const seen = await keys.claim(wanted);
  assert.ok('fingerprint' in seen);
  await keys.beat(frozen);
  assert.equal(await keys.takeOver(wanted, seen), undefined, 'it moved');
  const now = await keys.claim(wanted);
  assert.ok('fingerprint' in now);
  const takers = await Promise.all([keys.takeOver(wanted, now), keys.takeOver(wanted, now)]);
  assert.equal(takers.filter(Boolean).length, 1);
  await assert.rejects(keys.complete(db, frozen, '{}'), /taken/);
  await keys.release(frozen);
  const taker = takers.find(Boolean)!;
  await keys.complete(db, taker, '{"a":1}');
  const done = await keys.claim(wanted);
  assert.equal('answer' in done && done.answer, '{"a":1}');
  await db.destroy();
});

async function upload(testApp: TestApp, key: string, content: string) {
  const form = new FormData();
  form.set('method', 'direct');
  form.set('file', new Blob([MP4_HEAD, content]), 'a.mp4');
  const encoded = new Response(form);
  return testApp.app.inject({
    method: 'POST',
    url: '/v1.3/assets',
    headers: {
      'x-api-key': CONFIGURED_KEY,
      'idempotency-key': key,
      'content-type': encoded.headers.get('content-type') ?? '',
    },
    payload: Buffer.from(await encoded.arrayBuffer()),
  });
}

test('the same file with the same key is one asset, stored once, and another file is refused', async () => {
  await using testApp = await openTestApp();
  const answers = await Promise.all(Array.from({ length: 8 }, () => upload(testApp, 'k', 'one')));
  assert.deepEqual(new Set(answers.map(({ statusCode }) => statusCode)), new Set([201]));
  assert.equal(new Set(answers.map(({ body }) => body)).size, 1);
  assert.equal((await upload(testApp, 'k', 'two')).statusCode, 409);
  assert.equal((await Array.fromAsync(testApp.blobs.list(''))).length, 1);
});

test('an upload in chunks that is begun again is the same one, with links that are signed anew', async () => {
  await using testApp = await openTestApp();
  const begin = () =>
    testApp.app.inject({
      method: 'POST',
      url: '/v1.3/assets/multipart-uploads',
      headers: { 'x-api-key': CONFIGURED_KEY, 'idempotency-key': 'k' },
      payload: { filename: 'a.mp4', type: 'video', total_size: 1000 },
    });
  const first = await begin();
  const again = await begin();
  assert.deepEqual([first.statusCode, again.statusCode], [201, 201]);
  assert.equal(again.json().upload_id, first.json().upload_id);
  assert.equal(again.json().upload_urls.length, 1);
});
