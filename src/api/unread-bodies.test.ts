import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { CONFIGURED_KEY, openTestApp, type TestApp } from '../../test/support/app.ts';
import { BODY_LIMIT } from './embed-v2/create-task.ts';
import { discardUnreadBodies } from './unread-bodies.ts';

const TASKS = '/v1.3/embed-v2/tasks';
const KEY = { 'x-api-key': CONFIGURED_KEY };
const JSON_TYPE = { 'content-type': 'application/json' };
const MEGABYTE = 1024 ** 2;

/** Requests that are refused before the end of their body. */
const REFUSED: readonly [
  what: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  status: number,
][] = [
  ['a body over the limit', 'POST', TASKS, { ...KEY, ...JSON_TYPE }, 413],
  ['a body over the limit of other routes', 'POST', '/v1.3/assets/multipart-uploads', { ...KEY, ...JSON_TYPE }, 413],
  ['a body without a key', 'POST', TASKS, JSON_TYPE, 401],
  ['a compressed body', 'POST', TASKS, { ...KEY, ...JSON_TYPE, 'content-encoding': 'gzip' }, 415],
  ['a body of another type', 'POST', TASKS, { ...KEY, 'content-type': 'text/csv' }, 415],
  ['a form that is none', 'POST', '/v1.3/assets', { ...KEY, 'content-type': 'multipart/form-data' }, 400],
  ['a chunk with a false signature', 'PUT', '/v1.3/assets/multipart-uploads/a/chunks/1?expires=1&signature=x', {}, 403],
];

/** Sends a whole request before reading, as many clients do. @returns the response text until the connection closes */
async function sendThenRead(t: TestApp, head: string, body: readonly Buffer[]): Promise<string> {
  const { port } = t.app.server.address() as { port: number };
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.pause();
  socket.write(head);
  for (const piece of body) if (!socket.write(piece)) await once(socket, 'drain');
  let text = '';
  socket
    .setEncoding('utf8')
    .on('data', (piece) => (text += piece))
    .resume();
  // A second request on the same connection: the first body was read whole, and the connection still works.
  socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await once(socket, 'close');
  return text;
}

test('a client that sends everything before it reads gets the answer to a refused body, and keeps its connection', async () => {
  await using t = await openTestApp();
  await t.app.listen();
  for (const [what, method, path, headers, status] of REFUSED) {
    // Only the first request is refused for its length. The others are more than a connection buffers.
    const body = Array.from({ length: status === 413 ? 60 : 16 }, () => Buffer.alloc(MEGABYTE, '1'));
    const lines = Object.entries({ host: 'x', 'content-length': body.length * MEGABYTE, ...headers });
    const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
    const text = await sendThenRead(t, head, body);
    assert.match(text, new RegExp(`^HTTP/1.1 ${status} `), what);
    assert.match(text, /HTTP\/1\.1 200 OK[\s\S]*\{"status":"ok"\}$/, what);
  }
});

test('the answer to a body that is too large names the limit and what to do instead', async () => {
  await using t = await openTestApp();
  const base = await t.app.listen();
  for (const body of ['1'.repeat(BODY_LIMIT + 1), new Blob([Buffer.alloc(BODY_LIMIT + 1, '1')]).stream()]) {
    const init = { method: 'POST', headers: { ...KEY, ...JSON_TYPE }, body, duplex: 'half' } as RequestInit;
    const response = await fetch(`${base}${TASKS}`, init);
    assert.equal(response.status, 413);
    const { code, message, details } = (await response.json()) as {
      code: string;
      message: string;
      details: Record<string, number>;
    };
    assert.equal(code, 'payload_too_large');
    assert.match(message, /at most 54525952\. .*POST \/assets.*multipart-uploads/);
    assert.equal(details['limit_bytes'], BODY_LIMIT);
  }
});

test('a client that never stops sending is cut off after its answer', async () => {
  await using t = await openTestApp();
  await t.app.listen();
  const { port } = t.app.server.address() as { port: number };
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  let answer = '';
  socket.setEncoding('utf8').on('data', (piece) => (answer += piece));
  socket.write(
    `POST ${TASKS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9000000000\r\n\r\n`,
  );
  const piece = Buffer.alloc(MEGABYTE, '1');
  let sent = 0;
  while (!socket.destroyed) {
    sent++;
    if (!socket.write(piece)) await once(socket, 'drain').catch(() => {});
  }
  assert.match(answer, /^HTTP\/1.1 401 /);
  assert.ok(sent < 300, `${sent} MB`);
});

/** Answers a request early whose body comes from the test. */
function answerEarly(t: TestContext, state: object = {}) {
  let hook!: (request: object, reply: object) => Promise<void>;
  discardUnreadBodies({ addHook: (_name: string, added: typeof hook) => (hook = added) } as never);
  const socket = new EventEmitter();
  const calls: string[] = [];
  const note = (name: string) => () => void calls.push(name);
  const raw = Object.assign(new EventEmitter(), { socket, unpipe: note('unpipe'), resume: note('resume') });
  Object.assign(raw, { complete: false, readableEnded: false, destroyed: false, destroy: note('destroy') }, state);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  void hook({ raw }, { removeHeader: note('keep open') });
  return { raw, socket, calls };
}

test('a body that has ended, or whose connection is gone, is left alone', (t) => {
  for (const state of [{ complete: true }, { readableEnded: true }, { destroyed: true }]) {
    assert.deepEqual(answerEarly(t, state).calls, []);
    t.mock.timers.reset();
  }
});

test('a body that does not end within a minute is cut off', (t) => {
  const { calls } = answerEarly(t);
  t.mock.timers.tick(59_999);
  assert.deepEqual(calls, ['keep open', 'unpipe', 'resume']);
  t.mock.timers.tick(1);
  assert.equal(calls.at(-1), 'destroy');
});

test('a body of more than 256 MB is cut off', (t) => {
  const { raw, calls } = answerEarly(t);
  const sendMegabytes = (count: number) => raw.emit('data', { length: count * MEGABYTE });
  sendMegabytes(200);
  sendMegabytes(56);
  assert.ok(!calls.includes('destroy'));
  raw.emit('data', { length: 1 });
  assert.equal(calls.at(-1), 'destroy');
});

test('nothing is left of the wait once the body or its connection has ended', (t) => {
  for (const end of ['end', 'close', 'socket'] as const) {
    const { raw, socket, calls } = answerEarly(t);
    if (end === 'socket') socket.emit('close');
    else raw.emit(end);
    t.mock.timers.tick(120_000);
    assert.ok(!calls.includes('destroy'), end);
    assert.equal(socket.listenerCount('close'), 0, end);
    t.mock.timers.reset();
  }
});
