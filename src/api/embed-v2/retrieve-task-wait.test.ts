import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createVideoTask, headers, retrieveTask, TASKS } from '../../../test/support/api-tasks.ts';
import { openTestApp } from '../../../test/support/app.ts';

test('wait answers as soon as the task leaves processing, and at the latest when the time is over', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  let start = performance.now();
  assert.equal((await retrieveTask(t, id, '?wait=0.3')).json().status, 'processing');
  assert.ok(performance.now() - start >= 295);
  start = performance.now();
  const waiting = retrieveTask(t, id, '?wait=30');
  await sleep(50);
  await t.tasks.setFailed(id, { code: 'video_file_broken', message: 'x' });
  assert.equal((await waiting).json().status, 'failed');
  assert.ok(performance.now() - start < 2000);
  for (const wrong of ['-1', '61', 'long', '']) {
    const response = await retrieveTask(t, id, `?wait=${wrong}`);
    if (wrong === '') assert.equal(response.statusCode, 200);
    else assert.match(response.json().message, /^wait must be/);
  }
});

test('who waits for a task that is deleted meanwhile gets 404', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  const waiting = retrieveTask(t, id, '?wait=30');
  await sleep(50);
  assert.equal((await t.app.inject({ method: 'DELETE', url: `${TASKS}/${id}`, headers })).statusCode, 204);
  assert.equal((await waiting).statusCode, 404);
});

test('a task is not looked at any more once the client that waited has hung up', async (context) => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  await t.app.listen();
  const { port } = t.app.server.address() as AddressInfo;
  const hangUp = new AbortController();
  const waiting = fetch(`http://127.0.0.1:${port}${TASKS}/${id}?wait=60`, { headers, signal: hangUp.signal });
  setTimeout(() => hangUp.abort(), 100);
  await assert.rejects(waiting);
  await sleep(400);
  const line = t.log.find((entry) => entry['taskId'] === id && entry['method'] === 'GET');
  assert.equal(line?.['hungUp'], true);
  const look = context.mock.method(t.tasks, 'get');
  await sleep(500);
  assert.equal(look.mock.callCount(), 0);
});

test('a server that stops answers those who wait at once', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  await t.app.listen();
  const { port } = t.app.server.address() as AddressInfo;
  const waiting = fetch(`http://127.0.0.1:${port}${TASKS}/${id}?wait=60`, { headers });
  await sleep(300);
  const start = performance.now();
  await t.app.close();
  assert.ok(performance.now() - start < 1000);
  const body = (await (await waiting).json()) as { status: string };
  assert.equal(body.status, 'processing');
});
