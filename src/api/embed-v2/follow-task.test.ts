import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { CONFIGURED_KEY, openTestApp, type TestApp } from '../../../test/support/app.ts';

const headers = { 'x-api-key': CONFIGURED_KEY };
const TASKS = '/v1.3/embed-v2/tasks';
const segment = (startSec: number) => ({ startSec, endSec: startSec + 4 });

/** A task of two chunks, with three embedded segments. */
async function create(t: TestApp): Promise<string> {
  const payload = {
    input_type: 'video',
    model_name: 'marengo3.0',
    video: { media_source: { url: 'https://media.test/a.mp4' } },
  };
  const { _id: id } = (await t.app.inject({ method: 'POST', url: TASKS, headers, payload })).json();
  await t.tasks.setPlan(id, [
    { startSec: 0, endSec: 8 },
    { startSec: 8, endSec: 12 },
  ]);
  await t.tasks.setChunkDone(id, 0, 8, [segment(0), segment(4)]);
  await t.tasks.setChunkDone(id, 1, 4, [segment(8)]);
  return id;
}

function follow({ app }: TestApp, id: string, lastEventId?: string) {
  const more = lastEventId !== undefined && { 'last-event-id': lastEventId };
  return app.inject({ url: `${TASKS}/${id}/events`, headers: { ...headers, ...more } });
}

test('the events of a task that has ended are its segments and its end, as text that no proxy keeps', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  await t.tasks.setReady(id, ['a warning']);
  const { statusCode, headers: answered, body } = await follow(t, id);
  assert.equal(statusCode, 200);
  assert.equal(answered['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(answered['cache-control'], 'no-store');
  assert.equal(answered['x-accel-buffering'], 'no');
  assert.equal(
    body,
    [
      'retry: 1000',
      'id: 1\nevent: segment\ndata: {"start_sec":0,"end_sec":4}',
      'id: 2\nevent: segment\ndata: {"start_sec":4,"end_sec":8}',
      'id: 2.1\nevent: segment\ndata: {"start_sec":8,"end_sec":12}',
      `id: end\nevent: ready\ndata: {"_id":"${id}","status":"ready","warnings":["a warning"]}`,
      '',
    ].join('\n\n'),
  );
});

test('a client goes on after its last event, and gets 204 after the end', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  await t.tasks.setFailed(id, { code: 'video_file_broken', message: 'It is broken.' });
  const { body } = await follow(t, id, '2');
  const end = {
    _id: id,
    status: 'failed',
    warnings: [],
    error: { code: 'video_file_broken', message: 'It is broken.' },
  };
  assert.equal(
    body,
    'retry: 1000\n\nid: 2.1\nevent: segment\ndata: {"start_sec":8,"end_sec":12}\n\n' +
      `id: end\nevent: failed\ndata: ${JSON.stringify(end)}\n\n`,
  );
  assert.equal((await follow(t, id, '')).body.match(/event: segment/g)?.length, 3);
  const after = await follow(t, id, 'end');
  assert.deepEqual([after.statusCode, after.body], [204, '']);
});

test('an id that no event had is refused; an unknown task and that of another key are 404', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  for (const wrong of ['x', '1.', '-1', '1.x', '1234567', `0${'.0'.repeat(1000)}`]) {
    const { statusCode, body } = await follow(t, id, wrong);
    assert.equal(statusCode, 400, wrong);
    assert.deepEqual(JSON.parse(body).details, { field: 'Last-Event-ID' });
  }
  assert.equal((await follow(t, '0123456789abcdef01234567')).statusCode, 404);
  const { key } = await t.keys.create('other');
  const others = await t.app.inject({ url: `${TASKS}/${id}/events`, headers: { 'x-api-key': key } });
  assert.equal(others.statusCode, 404);
});

test('HEAD gives the headers and ends', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  const {
    statusCode,
    headers: answered,
    body,
  } = await t.app.inject({
    method: 'HEAD',
    url: `${TASKS}/${id}/events`,
    headers,
  });
  assert.deepEqual([statusCode, body], [200, '']);
  assert.match(String(answered['content-type']), /^text\/event-stream/);
});

test('a stream reports progress while the task runs, and ends with the server', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  await t.app.listen();
  const { port } = t.app.server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${TASKS}/${id}/events`, { headers });
  const reading = text(response.body!);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await t.app.close();
  assert.match(await reading, /id: 2\.1\nevent: progress\ndata: \{"fraction":1,"stage":"embedding"\}\n\n$/);
});

test('a silent stream shows every 15 seconds that it lives, so that proxies keep it open', async (context) => {
  await using t = await openTestApp();
  const id = await create(t);
  await t.app.listen();
  const { port } = t.app.server.address() as AddressInfo;
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const response = await fetch(`http://127.0.0.1:${port}${TASKS}/${id}/events`, { headers });
  let received = '';
  const reading = (async () => {
    for await (const piece of response.body!) received += Buffer.from(piece);
  })();
  const comments = () => received.split(': still here\n\n').length - 1;
  const untilQuiet = async () => {
    for (let last = -1; last !== received.length; ) {
      last = received.length;
      for (let i = 0; i < 20; i++) await new Promise((next) => setImmediate(next));
    }
  };
  while (!received.includes('event: progress')) await new Promise((next) => setImmediate(next));
  await untilQuiet();
  context.mock.timers.tick(14_999);
  await untilQuiet();
  assert.equal(comments(), 0);
  context.mock.timers.tick(1);
  while (comments() === 0) await new Promise((next) => setImmediate(next));
  context.mock.timers.reset();
  await t.app.close();
  await reading;
});

test('an id of up to a thousand positions is understood', async () => {
  await using t = await openTestApp();
  const id = await create(t);
  await t.tasks.setReady(id, []);
  for (const known of ['0', '999999', `0${'.0'.repeat(999)}`])
    assert.equal((await follow(t, id, known)).statusCode, 200);
  assert.ok(!(await follow(t, id, '2.1')).body.includes('segment'));
});
