import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import Fastify from 'fastify';
import { closeConnectionsOnShutdown } from './close-connections.ts';

test('connections stay open between requests, and close with an answer during shutdown', async () => {
  const app = Fastify({ return503OnClosing: false });
  closeConnectionsOnShutdown(app as never);
  const slow = Promise.withResolvers<string>();
  app.get('/', async () => 'fast');
  app.get('/slow', () => slow.promise);
  const base = await app.listen();
  assert.equal((await fetch(base)).headers.get('connection'), 'keep-alive');
  const arrived = once(app.server, 'request');
  const answer = fetch(`${base}/slow`);
  await arrived;
  const closed = app.close();
  await new Promise((next) => setTimeout(next, 20));
  slow.resolve('slow');
  const response = await answer;
  assert.deepEqual([response.headers.get('connection'), await response.text()], ['close', 'slow']);
  const start = performance.now();
  await closed;
  assert.ok(performance.now() - start < 3000, 'the app waits for no idle connection');
});
