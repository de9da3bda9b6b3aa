import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import { refuseContentEncodings } from './content-encoding.ts';
import { installErrors } from './errors.ts';
import { installRequestLog } from './request-log.ts';

async function post(encoding: string | undefined) {
  const app = Fastify();
  installRequestLog(app);
  installErrors(app);
  refuseContentEncodings(app);
  app.post('/', async () => 'fine');
  const headers = {
    'content-type': 'application/json',
    ...(encoding !== undefined && { 'content-encoding': encoding }),
  };
  const response = await app.inject({ method: 'POST', url: '/', headers, payload: '{}' });
  await app.close();
  return response;
}

test('a body that is not compressed passes', async () => {
  for (const encoding of [undefined, '', 'identity', ' Identity ']) {
    assert.equal((await post(encoding)).statusCode, 200, encoding);
  }
});

test('a compressed body is refused, with the encoding that is accepted', async () => {
  const { statusCode, headers, body } = await post(`gzip${'x'.repeat(60)}`);
  assert.equal(statusCode, 415);
  assert.equal(headers['accept-encoding'], 'identity');
  const value = `gzip${'x'.repeat(46)}`;
  assert.deepEqual(JSON.parse(body).details, { field: 'Content-Encoding', value, allowed: ['identity'] });
  assert.ok(JSON.parse(body).message.startsWith(`Content-Encoding "${value}" is not accepted.`));
});
