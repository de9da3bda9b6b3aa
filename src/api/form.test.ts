import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import multipart from '@fastify/multipart';
import Fastify from 'fastify';
import { ReelvecError } from '../errors.ts';
import { installErrors } from './errors.ts';
import { type FormReader, readForm } from './form.ts';
import { installRequestLog } from './request-log.ts';

interface Stored {
  readonly field: string;
  readonly text: string;
}

/** A server that answers with the form, which may have the files `film` and `sound` and the list `tag`. */
async function open({ receive }: { receive?: FormReader<Stored>['receive'] } = {}) {
  const discarded: string[] = [];
  const app = Fastify();
  installRequestLog(app as never);
  installErrors(app as never);
  await app.register(multipart);
  app.post('/', async (request) =>
    readForm<Stored>(request, {
      files: ['film', 'sound'],
      lists: ['tag'],
      receive: receive ?? (async (content, field) => ({ field, text: (await buffer(content)).toString() })),
      discard: async ({ field }) => void discarded.push(field),
      advice: 'Send a form.',
    }),
  );
  const post = async (parts: readonly (readonly [name: string, value: string | File])[]) => {
    const form = new FormData();
    for (const [name, value] of parts) form.append(name, value);
    const encoded = new Response(form);
    const response = await app.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': encoded.headers.get('content-type')! },
      payload: Buffer.from(await encoded.arrayBuffer()),
    });
    return { status: response.statusCode, body: response.json() };
  };
  return { app, post, discarded, [Symbol.asyncDispose]: () => app.close() };
}

const film = (name = 'film.mp4', text = 'moving') => new File([text], name);

test('a form has its texts, lists and files, and no empty text', async () => {
  await using t = await open();
  const { body } = await t.post([
    ['tag', 'a'],
    ['film', film()],
    ['title', 'Take 3'],
    ['empty', ''],
    ['tag', ''],
    ['tag', 'b'],
    ['sound', film('s.wav', 'loud')],
  ]);
  assert.deepEqual(body, {
    fields: { tag: ['a', 'b'], title: 'Take 3' },
    files: {
      film: { field: 'film', text: 'moving', filename: 'film.mp4' },
      sound: { field: 'sound', text: 'loud', filename: 's.wav' },
    },
  });
  assert.deepEqual(t.discarded, []);
});

test('of a long file name the end is kept, which has the type', async () => {
  await using t = await open();
  const long = `${'x'.repeat(300)}.mp4`;
  assert.equal((await t.post([['film', film(long)]])).body.files.film.filename, long.slice(-255));
});

test('a form may have 20 texts beside its files, and 64 KiB in one of them', async () => {
  await using t = await open();
  const texts = (count: number) => Array.from({ length: count }, (_, i) => [`t${i}`, 'x'] as const);
  const files = [
    ['film', film()],
    ['sound', film()],
  ] as const;
  assert.equal((await t.post([...texts(20), ...files])).status, 200);
  const many = await t.post([...texts(21), ...files]);
  assert.deepEqual([many.status, many.body.code], [400, 'parameter_invalid']);
  const size = 64 * 1024;
  assert.equal((await t.post([['title', 'x'.repeat(size)]])).status, 200);
  const { status, body } = await t.post([...files, ['title', 'x'.repeat(size + 1)]]);
  assert.deepEqual([status, body.details], [400, { field: 'title' }]);
  assert.equal(body.message, 'title is longer than the 65536 bytes that are allowed.');
});

test('a part that does not belong is refused by name, and the files that came before it are discarded', async () => {
  await using t = await open();
  const faults: [Parameters<typeof t.post>[0][number], field: string, message: RegExp][] = [
    [['film', film()], 'film', /^film is given more than once\.$/],
    [['film', 'text'], 'film', /^film is given more than once\.$/],
    [['title', 'again'], 'title', /^title is given more than once\.$/],
    [['sound', 'text'], 'sound', /^sound must be sent as a file, with a file name\.$/],
    [
      ['title2', film()],
      'title2',
      /^title2 is sent as a file\. Only film and sound may be; send title2 as a text field\.$/,
    ],
  ];
  for (const [part, field, message] of faults) {
    t.discarded.length = 0;
    const { status, body } = await t.post([['title', 'x'], ['film', film()], part]);
    assert.deepEqual([status, body.code, body.details], [400, 'parameter_invalid', { field }]);
    assert.match(body.message, message);
    assert.deepEqual(t.discarded, ['film']);
  }
});

test('a part that is JSON is read as its text', async () => {
  await using t = await open();
  const head = '--b\r\nContent-Disposition: form-data; name="facts"\r\nContent-Type: application/json\r\n\r\n';
  const response = await t.app.inject({
    method: 'POST',
    url: '/',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    payload: `${head}{"a": 1}\r\n--b--\r\n`,
  });
  assert.deepEqual(response.json().fields, { facts: '{"a":1}' });
});

test('what is no form is refused with the advice of the route, and a broken one with what is wrong', async () => {
  await using t = await open();
  const json = await t.app.inject({ method: 'POST', url: '/', payload: {} });
  assert.deepEqual(
    [json.statusCode, json.json().code, json.json().message],
    [415, 'unsupported_media_type', 'Send a form.'],
  );
  for (const [type, payload] of [
    ['multipart/form-data', 'x'],
    ['multipart/form-data; boundary=b', 'no form'],
    ['multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx'],
  ] as const) {
    const headers = { 'content-type': type };
    const { statusCode, body } = await t.app.inject({ method: 'POST', url: '/', headers, payload });
    assert.deepEqual([statusCode, JSON.parse(body).code], [400, 'parameter_invalid'], body);
    assert.match(
      JSON.parse(body).message,
      /^The form cannot be read: .*\. Send it again, complete and as multipart\/form-data\.$/,
    );
  }
});

test('a fault of the store is told as what it is, not as one of the form', async () => {
  for (const [fault, status, code] of [
    [new ReelvecError('usage_limit_exceeded', 'multipart: full.'), 403, 'usage_limit_exceeded'],
    [new Error('disk gone'), 500, 'internal_server_error'],
    ['no error', 500, 'internal_server_error'],
  ] as const) {
    await using t = await open({
      receive: async (content) => {
        await buffer(content);
        throw fault;
      },
    });
    const { status: got, body } = await t.post([['film', film()]]);
    assert.deepEqual([got, body.code], [status, code]);
  }
});

test('a client that hangs up has its files discarded', async () => {
  const failed = Promise.withResolvers<unknown>();
  await using t = await open();
  t.app.addHook('onError', async (_request, _reply, error) => failed.resolve(error));
  await t.app.listen();
  const { port } = t.app.server.address() as { port: number };
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  const part = (name: string) => `--b\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n\r\n`;
  const arrived = once(t.app.server, 'request');
  socket.write(
    'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 9999\r\n\r\n' +
      `${part('film')}moving\r\n${part('sound')}lou`,
  );
  await arrived;
  setTimeout(() => socket.destroy(), 50);
  const error = (await failed.promise) as ReelvecError;
  assert.deepEqual(
    [error.code, error.message],
    ['request_canceled_or_timed_out', 'The connection ended before the form did.'],
  );
  assert.deepEqual(t.discarded, ['film']);
});
