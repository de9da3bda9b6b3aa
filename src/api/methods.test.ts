import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify, { type HTTPMethods } from 'fastify';
import { installErrors } from './errors.ts';
import { trackMethods } from './methods.ts';
import { installRequestLog } from './request-log.ts';

async function open() {
  const app = Fastify();
  installRequestLog(app as never);
  installErrors(app as never);
  const refuseOthers = trackMethods(app as never);
  app.get('/films', async () => 'films');
  app.route({ method: ['POST', 'PUT'], url: '/films', handler: async () => 'made' });
  app.delete('/films/:id', async () => 'gone');
  app.get('/files/*', async () => 'a file');
  const all: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
  app.route({ method: all, url: '/all', handler: async () => 'any' });
  refuseOthers();
  return { app, [Symbol.asyncDispose]: () => app.close() };
}

test('another method on a known path is 405, and the answer lists the allowed ones', async () => {
  await using t = await open();
  for (const [method, url, allowed] of [
    ['DELETE', '/films', 'GET, HEAD, POST, PUT'],
    ['PATCH', '/films', 'GET, HEAD, POST, PUT'],
    ['GET', '/films/1', 'DELETE'],
    ['POST', '/films/1', 'DELETE'],
  ] as const) {
    const response = await t.app.inject({ method, url });
    assert.equal(response.statusCode, 405);
    assert.deepEqual(String(response.headers['allow']).split(', ').sort().join(', '), allowed);
    assert.equal(response.json().code, 'method_not_allowed');
    assert.match(response.json().message, new RegExp(`^${method} is not possible here. Allowed: .*\\.$`));
  }
  assert.equal((await t.app.inject({ method: 'HEAD', url: '/films/1' })).statusCode, 405);
});

test('the methods of a path work, and what is no path stays 404', async () => {
  await using t = await open();
  for (const [method, url, status] of [
    ['GET', '/films', 200],
    ['HEAD', '/films', 200],
    ['PUT', '/films', 200],
    ['DELETE', '/films/1', 200],
    ['PATCH', '/all', 200],
    ['GET', '/files/a', 200],
    ['POST', '/files/a', 404],
    ['POST', '/nothing', 404],
  ] as const) {
    assert.equal((await t.app.inject({ method, url })).statusCode, status, `${method} ${url}`);
  }
});
