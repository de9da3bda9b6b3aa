import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIGURED_KEY, openTestApp, type TestApp } from '../../test/support/app.ts';

const URL_ = '/v1.3/embed-v2/tasks';

async function status({ app }: TestApp, headers: Record<string, string>): Promise<number> {
  const response = await app.inject({ url: URL_, headers });
  if (response.statusCode === 401) assert.equal(response.json().code, 'api_key_invalid');
  return response.statusCode;
}

test('a key from the configuration or a made one opens the API, as x-api-key or as a bearer token', async () => {
  await using t = await openTestApp();
  const { key, id } = await t.keys.create('test');
  for (const good of [CONFIGURED_KEY, key]) {
    assert.equal(await status(t, { 'x-api-key': good }), 200);
    assert.equal(await status(t, { authorization: `Bearer ${good}` }), 200);
  }
  assert.equal(await status(t, {}), 401);
  assert.equal(await status(t, { 'x-api-key': '' }), 401);
  assert.equal(await status(t, { 'x-api-key': 'wrong' }), 401);
  assert.equal(await status(t, { authorization: `Basic ${key}` }), 401);
  await t.keys.revoke(id);
  assert.equal(await status(t, { 'x-api-key': key }), 401);
});

test('what tells how the server is, and what it can do, needs no key', async () => {
  await using t = await openTestApp();
  for (const url of ['/healthz', '/readyz', '/openapi.json', '/docs']) {
    assert.equal((await t.app.inject(url)).statusCode, 200, url);
  }
});

test('the log names the owner and never the key', async () => {
  await using t = await openTestApp();
  await status(t, { 'x-api-key': CONFIGURED_KEY });
  const line = t.log.find((entry) => entry['route'] === URL_);
  assert.match(String(line?.['owner']), /^[0-9a-f]{24}$/);
  assert.ok(!JSON.stringify(t.log).includes(CONFIGURED_KEY));
});
