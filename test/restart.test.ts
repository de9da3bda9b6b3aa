import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hostFiles } from './support/file-host.ts';
import { blobsIn } from './support/files.ts';
import { loopMedia } from './support/loop-media.ts';
import { makeMedia } from './support/make-media.ts';
import { processesOf, type RunningServer, startServer, temporaryFolder, until } from './support/server.ts';
import { asking, call, createTask, ready } from './support/tasks.ts';
import { workersReading } from './support/workers.ts';

/** Shutdown and restart. The tests build on each other. */
describe('a server that is stopped and started', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-restart-'));
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let dataDir: string;
  let film: object;
  let undisturbed: string;
  let interrupted: string;
  before(async () => {
    const round = makeMedia(join(folder, 'round.mp4'), {
      video: 'testsrc=size=640x360:rate=24:duration=5',
      audio: 'sine=frequency=440:duration=5',
    });
    loopMedia(join(folder, 'film.mp4'), { of: round, times: 12, everySec: 5 });
    const host = stack.use(await hostFiles(folder));
    dataDir = stack.use(temporaryFolder()).path;
    film = asking('video', { url: `${host.url}/film.mp4` });
    server = await startServer({ dataDir });
    undisturbed = (await ready(server, await createTask(server, film))).data;
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  const beingRead = (id: string, withinMs: number) =>
    until(() => workersReading(server, id).length > 0, withinMs, 'a worker is at it');

  test('a second server on the same data folder is refused with the pid of the first, which keeps working', async () => {
    await assert.rejects(startServer({ dataDir }), ({ message }: Error) => {
      assert.match(message, /^the server ended with 1:\n/);
      assert.match(message, new RegExp(`in use by the reelvec server with pid ${server.pid}\\b`));
      assert.doesNotMatch(message, /\n\s+at /, 'a sentence and not a stack');
      return true;
    });
    assert.equal((await call(server, 'GET', '//readyz')).status, 200);
    assert.ok((await ready(server, await createTask(server, film))).data === undisturbed, 'the same result as before');
  });

  test('SIGTERM in the middle of a task, with a client waiting: exit code 0 within 20 s, no process left', async () => {
    interrupted = await createTask(server, film);
    await beingRead(interrupted, 10_000);
    const waiting = call(server, 'GET', `/embed-v2/tasks/${interrupted}?wait=60`);
    // Only the answer to a later request proves that this one has arrived.
    await call(server, 'GET', '//healthz');
    const asked = performance.now();
    assert.equal(await server.stop(), 0, server.output().slice(-1000));
    assert.ok(performance.now() - asked < 20_000);
    assert.equal((await waiting).body.status, 'processing');
    await until(() => processesOf(server, dataDir).length === 0, 2000, 'no process is left');
    assert.doesNotMatch(server.output(), /"level":(50|60)/, 'nothing of it is an error');
  });

  test('after a restart the task resumes within 5 s, and the result is the same', async () => {
    server = await startServer({ dataDir });
    await beingRead(interrupted, 5000);
    assert.ok((await ready(server, interrupted)).data === undisturbed);
  });

  test('the same after kill -9', async () => {
    interrupted = await createTask(server, film);
    await beingRead(interrupted, 10_000);
    await server.kill();
    server = await startServer({ dataDir });
    await beingRead(interrupted, 5000);
    assert.ok((await ready(server, interrupted)).data === undisturbed);
  });

  test('a task that was deleted before the end does not come back', async () => {
    const id = await createTask(server, film);
    await beingRead(id, 10_000);
    assert.equal((await call(server, 'DELETE', `/embed-v2/tasks/${id}`)).status, 204);
    await server.kill();
    server = await startServer({ dataDir });
    await ready(server, await createTask(server, film));
    assert.ok(!server.output().includes(id), 'nobody worked on it');
    assert.equal((await call(server, 'GET', `/embed-v2/tasks/${id}`)).status, 404);
    assert.equal(await server.stop(), 0);
  });
});

test('SIGTERM right after a task is ready leaves only its result', async () => {
  using data = temporaryFolder();
  makeMedia(join(data.path, 'film.mp4'), { video: 'testsrc=size=640x360:rate=24:duration=5' });
  await using host = await hostFiles(data.path);
  await using server = await startServer({ dataDir: join(data.path, 'data') });
  const id = await createTask(server, asking('video', { url: `${host.url}/film.mp4` }));
  let status = 'processing';
  while (status === 'processing') status = (await call(server, 'GET', `/embed-v2/tasks/${id}`)).body.status;
  assert.equal(status, 'ready');
  assert.equal(await server.stop(), 0);
  const files = blobsIn(join(data.path, 'data')).map((path) => basename(path));
  assert.deepEqual(files, ['result.arrow']);
});
