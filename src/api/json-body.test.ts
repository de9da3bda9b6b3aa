import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import { installErrors } from './errors.ts';
import { parseJsonBodies } from './json-body.ts';
import { installRequestLog } from './request-log.ts';

async function post(payload: string, type = 'application/json') {
  const app = Fastify();
  installRequestLog(app as never);
  installErrors(app as never);
  parseJsonBodies(app as never);
  app.post('/', async (request) => ({ got: request.body }));
  const response = await app.inject({ method: 'POST', url: '/', headers: { 'content-type': type }, payload });
  await app.close();
  return { status: response.statusCode, body: response.json() };
}

test('a JSON body reaches the handler parsed', async () => {
  const { status, body } = await post('{"a":[1,{"b":null}],"constructor":1}');
  assert.deepEqual([status, body], [200, { got: { a: [1, { b: null }], constructor: 1 } }]);
});

test('a syntax error is refused with its place and what is there', async () => {
  for (const [text, line, column, found] of [
    ['{"a":1,\n "b":tru, "more": "of the same text"}', 2, 6, 'found "tru, \\"more\\": \\"of the"'],
    ['{"a":', 1, 6, 'it ends there'],
    ['{"a":1}x', 1, 8, 'found "x"'],
    [' ', 1, 2, 'it ends there'],
  ] as const) {
    const { status, body } = await post(text);
    assert.deepEqual([status, body.code], [400, 'parameter_invalid']);
    assert.equal(body.message, `The body is not valid JSON at line ${line}, column ${column}: ${found}.`);
    assert.deepEqual([body.details.line, body.details.column], [line, column]);
    assert.equal(text.slice(0, body.details.offset).split('\n').length, line);
  }
});

test('an empty body is not provided, and one with a key of the prototype is refused', async () => {
  const empty = await post('');
  assert.deepEqual([empty.status, empty.body.code], [400, 'parameter_not_provided']);
  assert.equal(empty.body.message, 'The body is empty. Send a JSON object.');
  for (const text of ['{"a":{"__proto__":1}}', '{"constructor":{"prototype":1}}']) {
    const { status, body } = await post(text);
    assert.deepEqual([status, body.code, body.details], [400, 'parameter_invalid', undefined], text);
    assert.match(body.message, /^The body has a key that is not allowed: "__proto__", or "constructor"/);
  }
});
