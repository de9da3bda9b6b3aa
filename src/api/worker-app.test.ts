import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { errorBody } from './errors.ts';
import { buildWorkerApp } from './worker-app.ts';

async function open({ ready = async () => {} }: { ready?: () => Promise<void> } = {}) {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const serving = { bundle: 'signal@1', device: 7 as never };
  const app = await buildWorkerApp({ apiKeys: ['key'], keys: { find: async () => undefined }, ready, serving, log });
  return { app, lines, [Symbol.asyncDispose]: () => app.close() };
}

test('a worker says that it lives and is ready, with the bundle that it serves', async () => {
  await using t = await open();
  assert.deepEqual((await t.app.inject('/healthz')).json(), { status: 'ok' });
  const ready = await t.app.inject('/readyz');
  assert.deepEqual([ready.statusCode, ready.json()], [200, { status: 'ok', bundle: 'signal@1' }]);
});

test('a worker that cannot work is not ready, and its log says why', async () => {
  await using t = await open({ ready: () => Promise.reject(new Error('disk gone')) });
  const response = await t.app.inject('/readyz');
  assert.deepEqual([response.statusCode, response.json().code], [503, 'service_unavailable']);
  errorBody.strict().parse(response.json());
  assert.match(JSON.stringify(t.lines), /disk gone/);
});

test('metrics of a worker need a key and count its requests; it has no other routes', async () => {
  await using t = await open();
  assert.equal((await t.app.inject('/metrics')).statusCode, 401);
  const response = await t.app.inject('/v1.3/assets');
  assert.deepEqual([response.statusCode, response.json().code], [404, 'resource_not_exist']);
  const { body } = await t.app.inject({ url: '/metrics', headers: { authorization: 'Bearer key' } });
  assert.match(body, /^reelvec_http_request_seconds_count\{method="GET",route="none",status="404"\} 1$/m);
});

test('each request to a worker is one line in its log', async () => {
  await using t = await open();
  const { headers } = await t.app.inject('/nothing');
  const lines = t.lines.filter(({ reqId }) => reqId === headers['x-request-id']);
  assert.deepEqual(
    lines.map(({ msg, route }) => [msg, route]),
    [['request', '/nothing']],
  );
});
