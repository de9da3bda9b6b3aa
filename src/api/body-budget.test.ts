import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIGURED_KEY, openTestApp } from '../../test/support/app.ts';
import { BodyBudget } from './body-budget.ts';

test('bodies count against their key and the server until they are given back', () => {
  const budget = new BodyBudget(100);
  const refusal = { code: 'too_many_requests', status: 429 };
  const first = budget.take('a', 30);
  const second = budget.take('a', 20);
  assert.throws(() => budget.take('a', 1), refusal, 'one key has half');
  const other = budget.take('b', 45);
  assert.throws(() => budget.take('c', 6), refusal, 'all have no more than the whole');
  first();
  budget.take('c', 6)();
  budget.take('a', 30)();
  for (const back of [second, other]) back();
  budget.take('a', 1000)();
  budget.take('b', 50)();
});

test('a compressed body is refused without being inflated; identity is no compression', async () => {
  await using t = await openTestApp();
  const post = (encoding: string) =>
    t.app.inject({
      method: 'POST',
      url: '/v1.3/embed-v2/tasks',
      headers: { 'x-api-key': CONFIGURED_KEY, 'content-type': 'application/json', 'content-encoding': encoding },
      payload: '{}',
    });
  for (const encoding of ['gzip', 'deflate', 'br', 'zstd', 'x-gzip', 'identity, gzip', 'aws-chunked']) {
    const response = await post(encoding);
    assert.equal(response.statusCode, 415, encoding);
    assert.match(response.json().message, /Content-Encoding.*uncompressed/);
    assert.equal(response.headers['accept-encoding'], 'identity');
  }
  for (const encoding of ['identity', 'Identity', '']) {
    const response = await post(encoding);
    assert.match(response.json().message, /input_type is required/, encoding);
  }
});

test('more JSON bodies than may be in memory are 429 with Retry-After; those that were let in are answered', async () => {
  await using t = await openTestApp((deps) => ({ ...deps, bodies: new BodyBudget(1_000_000) }));
  const base = await t.app.listen();
  const key = await t.keys.create('other');
  const body = JSON.stringify({ input_type: 'audio', model_name: 'marengo3.0', audio: 'x'.repeat(400_000) });
  const post = (apiKey: string) =>
    fetch(`${base}/v1.3/embed-v2/tasks`, {
      method: 'POST',
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
      body,
    });
  // An unfinished body keeps its share of the budget.
  const stalled = new AbortController();
  const half = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('{')) });
  const never = fetch(`${base}/v1.3/embed-v2/tasks`, {
    method: 'POST',
    headers: { 'x-api-key': CONFIGURED_KEY, 'content-type': 'application/json' },
    body: half,
    duplex: 'half',
    signal: stalled.signal,
  } as RequestInit).catch(() => {});
  let refused: Response;
  do refused = await post(CONFIGURED_KEY);
  while (refused.status !== 429);
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  assert.equal(((await refused.json()) as { code: string }).code, 'too_many_requests');
  stalled.abort();
  await never;
  while ((await post(CONFIGURED_KEY)).status !== 400);
  assert.equal((await post(key.key)).status, 400);
});
