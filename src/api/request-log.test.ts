import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';
import { pino } from 'pino';
import { installErrors } from './errors.ts';
import { installRequestLog } from './request-log.ts';

const DEBUG = 20;
const INFO = 30;
const ERROR = 50;

async function open() {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const app = Fastify({ loggerInstance: log, disableRequestLogging: true });
  installRequestLog(app as never);
  installErrors(app as never);
  app.get('/films/:id', async (request) => {
    request.event['film'] = 7;
    await sleep(30);
    return 'a film';
  });
  app.get('/healthz', async () => 'fine');
  app.get('/readyz', async () => Promise.reject(new Error('broken')));
  app.get('/metrics', async () => '1');
  app.get('/never', async () => new Promise(() => {}));
  const eventsOf = async (url: string) => {
    lines.length = 0;
    const response = await app.inject(url);
    return { response, events: lines.filter(({ msg }) => msg === 'request') };
  };
  return { app, lines, eventsOf, [Symbol.asyncDispose]: () => app.close() };
}

test('a request is one event with its route, status and duration, and what the handler noted', async () => {
  await using t = await open();
  const { response, events } = await t.eventsOf('/films/1?secret=1');
  const [{ level, method, route, status, ms, film, hungUp, reqId }] = events as [Record<string, unknown>];
  assert.equal(events.length, 1);
  assert.deepEqual([level, method, route, status, film], [INFO, 'GET', '/films/:id', 200, 7]);
  assert.equal(hungUp, undefined);
  assert.equal(reqId, response.headers['x-request-id']);
  assert.ok(Number(ms) >= 25 && Number(ms) < 10_000 && /^\d+(\.\d)?$/.test(String(ms)), `${ms} ms, to a tenth`);
});

test('a path without a route is logged without its query', async () => {
  await using t = await open();
  const { events } = await t.eventsOf('/nothing?secret=1');
  assert.deepEqual([events[0]?.['route'], events[0]?.['status'], events[0]?.['level']], ['/nothing', 404, INFO]);
  assert.ok(!JSON.stringify(events).includes('secret'));
});

test('requests of monitoring are logged at debug level, unless they fail', async () => {
  await using t = await open();
  for (const [url, level] of [
    ['/healthz', DEBUG],
    ['/metrics', DEBUG],
    ['/readyz', ERROR],
  ] as const) {
    assert.deepEqual(
      (await t.eventsOf(url)).events.map((event) => event['level']),
      [level],
      url,
    );
  }
});

test('a client that hangs up leaves one event, which says so', async () => {
  await using t = await open();
  await t.app.listen();
  const { port } = t.app.server.address() as { port: number };
  const arrived = new Promise((resolve) => t.app.server.once('request', resolve));
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  socket.write('GET /never HTTP/1.1\r\nhost: x\r\n\r\n');
  await arrived;
  socket.destroy();
  const events = () => t.lines.filter(({ msg }) => msg === 'request');
  while (events().length === 0) await sleep(5);
  await sleep(20);
  assert.deepEqual(
    events().map(({ route, hungUp }) => [route, hungUp]),
    [['/never', true]],
  );
});
