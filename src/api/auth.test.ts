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
  assert.equal(await status(t, { authorization: `Not a Bearer ${key}` }), 401);
  assert.equal(await status(t, { authorization: `Bearer ${key} more` }), 401);
  assert.equal(await status(t, { authorization: `bearer  ${key} ` }), 200);
  assert.equal(await status(t, { 'x-api-key': '', authorization: `Bearer ${key}` }), 200);
  assert.equal(await status(t, { 'x-api-key': 'wrong', authorization: `Bearer ${key}` }), 401);
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

test('a refusal says if a key was missing or is not known, and how to get one', async () => {
  await using t = await openTestApp();
  const messageOf = async (headers: Record<string, string>) =>
    (await t.app.inject({ url: URL_, headers })).json().message as string;
  const advice = 'Send one in the x-api-key header; `reelvec keys create` makes one.';
  assert.equal(await messageOf({}), `No API key came with the request. ${advice}`);
  assert.equal(await messageOf({ 'x-api-key': 'wrong' }), `The API key is not known, or was revoked. ${advice}`);
});

test('a configured key keeps its tasks when others are configured before it', async () => {
  await using first = await openTestApp((deps) => ({ ...deps, apiKeys: ['other', CONFIGURED_KEY] }));
  await using second = await openTestApp();
  const ownerIn = async (t: TestApp, key: string) => {
    t.log.length = 0;
    assert.equal(await status(t, { 'x-api-key': key }), 200);
    return t.log.find(({ route }) => route === URL_)?.['owner'];
  };
  assert.equal(await ownerIn(first, CONFIGURED_KEY), await ownerIn(second, CONFIGURED_KEY));
  assert.notEqual(await ownerIn(first, 'other'), await ownerIn(first, CONFIGURED_KEY));
});
