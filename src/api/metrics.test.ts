import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import type { QueueLength } from '../jobs/engine.ts';
import { installErrors } from './errors.ts';
import { installMetrics } from './metrics.ts';
import { installRequestLog } from './request-log.ts';

const headers = { authorization: 'Bearer key' };

async function open(deps: Partial<Parameters<typeof installMetrics>[1]> = {}) {
  const app = Fastify();
  installRequestLog(app);
  installErrors(app);
  await installMetrics(app, { apiKeys: ['key'], keys: { find: async () => undefined }, ...deps });
  app.get('/films/:id', async () => 'a film');
  const read = async () => (await app.inject({ url: '/metrics', headers })).body;
  return { app, read, [Symbol.asyncDispose]: () => app.close() };
}

test('metrics need a key', async () => {
  await using t = await open();
  assert.equal((await t.app.inject('/metrics')).statusCode, 401);
  const { statusCode, headers: answered } = await t.app.inject({ url: '/metrics', headers });
  assert.equal(statusCode, 200);
  assert.match(String(answered['content-type']), /^text\/plain; version=0\.0\.4/);
});

test('requests are counted by route, not by path, with their duration in seconds', async () => {
  await using t = await open();
  for (const path of ['/films/1', '/films/2', '/nowhere']) await t.app.inject(path);
  const text = await t.read();
  assert.match(text, /^reelvec_http_request_seconds_count\{method="GET",route="\/films\/:id",status="200"\} 2$/m);
  assert.match(text, /^reelvec_http_request_seconds_count\{method="GET",route="none",status="404"\} 1$/m);
  assert.ok(!text.includes('/films/1'));
  const bounds = text.matchAll(/_bucket\{le="([^"]+)",method="GET",route="none"/g);
  assert.deepEqual(
    Array.from(bounds, ([, bound]) => bound),
    ['0.005', '0.02', '0.1', '0.5', '2', '10', '60', '+Inf'],
  );
  const sum = /^reelvec_http_request_seconds_sum\{.*films.*\} (\S+)$/m.exec(text)?.[1];
  assert.ok(Number(sum) > 0 && Number(sum) < 5, sum);
  assert.match(text, /^process_resident_memory_bytes \d/m);
});

test('queues are reported by workflow and state, and as 0 when nothing waits', async () => {
  let lengths: QueueLength[] = [{ workflow: 'embed-task', waiting: 3, running: 2 }];
  await using t = await open({ queue: async () => lengths });
  const queue = (text: string) => text.match(/^reelvec_queue_length\{.*$/gm)?.sort();
  const line = (workflow: string, state: string, value: number) =>
    `reelvec_queue_length{workflow="${workflow}",state="${state}"} ${value}`;
  const empty = ['embed-chunk', 'prepare-asset'].flatMap((name) => [
    line(name, 'running', 0),
    line(name, 'waiting', 0),
  ]);
  const expected = [...empty, line('embed-task', 'running', 2), line('embed-task', 'waiting', 3)].sort();
  assert.deepEqual(queue(await t.read()), expected);
  lengths = [];
  assert.ok(queue(await t.read())?.every((each) => each.endsWith(' 0')));
});

test('without the database the other metrics are still reported', async () => {
  await using t = await open({ queue: () => Promise.reject(new Error('no database')) });
  const text = await t.read();
  assert.ok(!/^reelvec_queue_length\{/m.test(text));
  assert.match(text, /^process_cpu_seconds_total /m);
});

test('busy time of media workers is reported as it is counted elsewhere', async () => {
  const seconds = new Map([['embed', 12.5]]);
  await using t = await open({ mediaSeconds: () => seconds });
  assert.match(await t.read(), /^reelvec_media_seconds_total\{kind="embed"\} 12\.5$/m);
  seconds.set('embed', 13);
  assert.match(await t.read(), /^reelvec_media_seconds_total\{kind="embed"\} 13$/m);
});
