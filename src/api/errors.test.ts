import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { FastifyRequest, InjectOptions } from 'fastify';
import { CONFIGURED_KEY, openTestApp } from '../../test/support/app.ts';
import { errorBody, refuseConnection, toClientError } from './errors.ts';

const key = { 'x-api-key': CONFIGURED_KEY };
const json = { ...key, 'content-type': 'application/json' };
const TASKS = '/v1.3/embed-v2/tasks';

const FAILING: [string, InjectOptions, number, string][] = [
  ['unknown route', { url: '/nope' }, 404, 'resource_not_exist'],
  ['unknown route of the API', { url: '/v1.3/nope', headers: key }, 404, 'resource_not_exist'],
  ['unknown task', { url: `${TASKS}/0123456789abcdef01234567`, headers: key }, 404, 'resource_not_exist'],
  ['id of any form', { url: `${TASKS}/${'x'.repeat(5000)}`, headers: key }, 404, 'resource_not_exist'],
  ['other method', { method: 'PUT', url: TASKS, headers: key }, 405, 'method_not_allowed'],
  ['other method of a task', { method: 'POST', url: `${TASKS}/1`, headers: key }, 405, 'method_not_allowed'],
  ['no key', { url: TASKS }, 401, 'api_key_invalid'],
  ['broken escape in the URL', { url: `${TASKS}/%E0%A4`, headers: key }, 400, 'parameter_invalid'],
  ['broken JSON', { method: 'POST', url: TASKS, headers: json, payload: '{' }, 400, 'parameter_invalid'],
  [
    'prototype in JSON',
    { method: 'POST', url: TASKS, headers: json, payload: '{"__proto__":1}' },
    400,
    'parameter_invalid',
  ],
  ['empty body', { method: 'POST', url: TASKS, headers: json, payload: '' }, 400, 'parameter_not_provided'],
  ['no body', { method: 'POST', url: TASKS, headers: key }, 400, 'parameter_not_provided'],
  ['list as body', { method: 'POST', url: TASKS, headers: json, payload: '[]' }, 400, 'parameter_invalid'],
  [
    'text as body',
    { method: 'POST', url: TASKS, headers: { ...key, 'content-type': 'text/plain' }, payload: 'x' },
    415,
    'unsupported_media_type',
  ],
  [
    'body over 52 MB',
    { method: 'POST', url: TASKS, headers: json, payload: Buffer.alloc(53 * 1024 ** 2, '1') },
    413,
    'payload_too_large',
  ],
];

test('every error has both shapes, a request id and a sentence', async () => {
  await using t = await openTestApp();
  for (const [what, request, status, code] of FAILING) {
    const response = await t.app.inject(request);
    assert.equal(response.statusCode, status, `${what}: ${response.body}`);
    const body = response.json();
    errorBody.strict().parse(body);
    const { error, ...flat } = body;
    assert.deepEqual(error, flat, what);
    assert.equal(body.code, code, what);
    assert.match(body.message, /^.{10,600}\.$|component$/s, what);
    assert.match(String(response.headers['x-request-id']), /^[0-9a-f]{24}$/, what);
    assert.match(String(response.headers['content-type']), /^application\/json/, what);
  }
});

test('405 says what is allowed', async () => {
  await using t = await openTestApp();
  const response = await t.app.inject({ method: 'PATCH', url: TASKS, headers: key });
  assert.deepEqual(String(response.headers['allow']).split(', ').sort(), ['GET', 'HEAD', 'POST']);
});

test('what is no HTTP gets the same shape', async () => {
  await using t = await openTestApp();
  await t.app.listen();
  const { port } = t.app.server.address() as AddressInfo;
  for (const [sent, status] of [
    ['nonsense\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ] as const) {
    const socket = connect(port, '127.0.0.1');
    socket.write(sent);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    assert.match(head, new RegExp(`^HTTP/1.1 ${status} [^]*x-request-id: [0-9a-f]{24}`));
    errorBody.strict().parse(JSON.parse(body));
  }
});

/** Answer to a connection without a valid request. */
async function refused(code: string): Promise<{ head: string[]; body: Record<string, unknown> } | undefined> {
  const socket = new PassThrough().on('error', () => {});
  refuseConnection(Object.assign(new Error('x'), { code }) as never, socket as never);
  if (socket.destroyed) return undefined;
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  const { error, ...flat } = JSON.parse(body);
  assert.deepEqual(error, flat);
  assert.match(head, new RegExp(`content-length: ${Buffer.byteLength(body)}\r`));
  return { head: head.split('\r\n'), body: flat };
}

test('a request that is late, too large or no HTTP gets its own status, and the connection is closed', async () => {
  for (const [fault, status, code, message] of [
    ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout', 'request_canceled_or_timed_out', /took too long to arrive/],
    ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large', 'parameter_invalid', /headers .* are too large/],
    ['HPE_INVALID_METHOD', '400 Bad Request', 'parameter_invalid', /not a valid HTTP request/],
  ] as const) {
    const { head, body } = (await refused(fault))!;
    assert.equal(head[0], `HTTP/1.1 ${status}`);
    assert.ok(head.includes('connection: close') && head.includes('content-type: application/json; charset=utf-8'));
    assert.ok(head.some((line) => /^x-request-id: [0-9a-f]{24}$/.test(line)));
    assert.equal(body['code'], code);
    assert.match(String(body['message']), message);
  }
});

test('a connection that the client reset gets no answer, nor does one that cannot be written', async () => {
  assert.equal(await refused('ECONNRESET'), undefined);
  const ended = new PassThrough().end();
  refuseConnection(
    Object.assign(new Error('x'), { code: 'HPE_INVALID_METHOD' }) as never,
    ended.on('error', () => {}) as never,
  );
  assert.ok(ended.destroyed);
});

test('an error of the framework keeps its status and message; one without gets a plain sentence', () => {
  const request = { id: 'r1', routeOptions: { bodyLimit: 7 }, headers: {} } as unknown as FastifyRequest;
  const of = (fault: object) => {
    const { status, code, message, details, cause } = toClientError(fault, request);
    assert.equal(cause, fault);
    return [status, code, message, details];
  };
  assert.deepEqual(of({ statusCode: 400, message: 'Odd.' }), [400, 'parameter_invalid', 'Odd.', undefined]);
  assert.deepEqual(of({ statusCode: 414 }), [414, 'parameter_invalid', 'URI Too Long', undefined]);
  assert.deepEqual(of({ statusCode: 499 }), [499, 'parameter_invalid', 'The request is not valid.', undefined]);
  for (const outside of [{}, { statusCode: 399 }, { statusCode: 500 }]) {
    const [status, code, message] = of({ ...outside, message: 'secret' });
    assert.deepEqual([status, code], [500, 'internal_server_error']);
    assert.match(String(message), /look for request r1 in its log\.$/);
  }
  assert.deepEqual(of({ statusCode: 415, message: 'x' }).slice(0, 2), [415, 'unsupported_media_type']);
  const [status, code, message, details] = of({ statusCode: 413 });
  assert.deepEqual([status, code, details], [413, 'payload_too_large', { limit_bytes: 7 }]);
  assert.match(String(message), /^The body has more than 7 bytes; this endpoint takes at most 7\./);
  const declared = toClientError({ statusCode: 413 }, {
    ...request,
    headers: { 'content-length': '9' },
  } as FastifyRequest);
  assert.deepEqual(declared.details, { limit_bytes: 7, bytes: 9 });
  assert.match(declared.message, /^The body has 9 bytes; this endpoint takes at most 7\./);
});

test('a fault of the server tells nothing of itself but the request id; the log has the cause', async () => {
  await using t = await openTestApp((deps) => ({
    ...deps,
    keys: { find: () => Promise.reject(new Error('secret of the database')) },
  }));
  const response = await t.app.inject({ url: TASKS, headers: { 'x-api-key': 'x' } });
  assert.equal(response.statusCode, 500);
  assert.equal(response.json().code, 'internal_server_error');
  assert.ok(response.json().message.includes(response.headers['x-request-id']));
  assert.ok(!/secret|at .*\.ts/.test(response.body));
  const lines = t.log.filter((line) => line['reqId'] === response.headers['x-request-id']);
  assert.equal(lines.length, 1);
  assert.match(JSON.stringify(lines[0]?.['err']), /secret of the database/);
});

test('a request during an outage of the database gets 503 and may be repeated, whatever broke the connection', async () => {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect', query: '' });
  const starting = Object.assign(new Error('starting up'), { name: 'PostgresError', code: '57P03' });
  const duplicate = Object.assign(new Error('duplicate'), { name: 'PostgresError', code: '23505' });
  for (const [fault, status, code] of [
    [refused, 503, 'service_unavailable'],
    [starting, 503, 'service_unavailable'],
    [duplicate, 500, 'internal_server_error'],
  ] as const) {
    await using t = await openTestApp((deps) => ({ ...deps, keys: { find: () => Promise.reject(fault) } }));
    const response = await t.app.inject({ url: TASKS, headers: { 'x-api-key': 'x' } });
    assert.deepEqual([response.statusCode, response.json().code], [status, code], fault.message);
    assert.equal(/database/.test(response.json().message), status === 503);
    const line = t.log.find((each) => each['reqId'] === response.headers['x-request-id']);
    assert.match(JSON.stringify(line?.['err']), new RegExp(fault.message));
  }
});

test('a server that cannot work is not ready, and lives', async () => {
  await using t = await openTestApp((deps) => ({ ...deps, ready: () => Promise.reject(new Error('disk gone')) }));
  const response = await t.app.inject('/readyz');
  assert.deepEqual([response.statusCode, response.json().code], [503, 'service_unavailable']);
  assert.ok(!response.body.includes('disk gone'));
  assert.equal((await t.app.inject('/healthz')).statusCode, 200);
});

test('each request is one event in the log, one that hung up too', async () => {
  await using t = await openTestApp();
  await t.app.listen();
  const { port } = t.app.server.address() as AddressInfo;
  const taskId = '0123456789abcdef01234567';
  const { key: own, id } = await t.keys.create('y');
  await t.app.inject({ url: `${TASKS}/${taskId}`, headers: { 'x-api-key': own } });
  const seen = t.log.filter((line) => line['route'] === `${TASKS}/:task_id`);
  assert.equal(seen.length, 1);
  const { ms, ...event } = seen[0]!;
  const expected = { method: 'GET', status: 404, owner: id, taskId, code: 'resource_not_exist' };
  assert.partialDeepStrictEqual(event, expected);
  assert.ok(Number(ms) >= 0);

  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    `POST ${TASKS} HTTP/1.1\r\nhost: x\r\nx-api-key: ${own}\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{`,
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const left = t.log.filter((line) => line['route'] === TASKS);
  assert.equal(left.length, 1);
});

test('a network error says if the database or the bucket is out of reach', () => {
  const refused = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });
  const request = { id: 'request' } as FastifyRequest;
  const ofDatabase = toClientError(refused(), request);
  const ofBucket = toClientError(Object.assign(refused(), { $metadata: { attempts: 3 } }), request);
  assert.deepEqual([ofDatabase.status, ofBucket.status], [503, 503]);
  assert.match(ofDatabase.message, /cannot reach its database/);
  assert.match(ofBucket.message, /cannot reach its bucket/);
});
