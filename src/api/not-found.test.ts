import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import { installErrors } from './errors.ts';
import { installNotFound } from './not-found.ts';
import { installRequestLog } from './request-log.ts';

async function open() {
  const app = Fastify();
  installRequestLog(app as never);
  installErrors(app as never);
  installNotFound(app as never);
  app.get('/v1.3/films', async () => 'films');
  app.get('/v1.3/films/:id', async () => 'a film');
  app.get('/v1.3beta/other', async () => 'other');
  app.get('/healthz', async () => 'fine');
  const messageOf = async (url: string) => {
    const response = await app.inject({ method: 'POST', url });
    assert.deepEqual([response.statusCode, response.json().code], [404, 'resource_not_exist']);
    return response.json().message as string;
  };
  return { messageOf, [Symbol.asyncDispose]: () => app.close() };
}

const advice = (path: string) =>
  `The API lies below /v1.3: ask for /v1.3${path}, or add /v1.3 to the base URL of your client.`;

test('a path that lacks the version, or has another one, is answered with the right path', async () => {
  await using t = await open();
  for (const [asked, right] of [
    ['/films', '/films'],
    ['/films/1', '/films/1'],
    ['/v1/films/1', '/films/1'],
    ['/v1.2/films', '/films'],
    ['/v2-beta/films', '/films'],
  ] as const) {
    assert.equal(await t.messageOf(`${asked}?a=/b`), `There is no POST ${asked}. ${advice(right)}`);
  }
});

test('any other path is only said not to exist', async () => {
  await using t = await open();
  for (const asked of [
    '/',
    '/nothing',
    '/v1/nothing',
    '/v1.3/films/1/2',
    '/v1.3/nothing',
    '/healthz',
    '/other',
    '/x/v1/films',
  ]) {
    assert.equal(await t.messageOf(asked), `There is no POST ${asked}. See /docs for what there is.`);
  }
});

test('a long path is cut in the message', async () => {
  await using t = await open();
  const path = `/${'x'.repeat(500)}`;
  assert.equal(await t.messageOf(path), `There is no POST ${path.slice(0, 200)}. See /docs for what there is.`);
});
