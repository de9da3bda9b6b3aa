import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostFiles } from './support/file-host.ts';
import { filesIn } from './support/files.ts';
import { loopMedia } from './support/loop-media.ts';
import { makeMedia } from './support/make-media.ts';
import { seededRandom } from './support/seeded-random.ts';
import { type RunningServer, startServer, temporaryFolder, until } from './support/server.ts';
import { asking, call, createTask, ready, uploadAsset } from './support/tasks.ts';
import { workersReading } from './support/workers.ts';

/** Bound for a deleted task to free its worker and its disk. */
const FREED_MS = 2000;
const ROUNDS = 6;
/** Deletions fall into this time after the creation: download, probe, start of a worker, first chunk. */
const LATEST_MS = 2500;

describe('DELETE of a task', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-delete-'));
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let blobs: string;
  let byUrl: object;
  let byAsset: object;
  before(async () => {
    const round = makeMedia(join(folder, 'round.mp4'), { video: 'testsrc=size=1280x720:rate=25:duration=2' });
    // Half a minute of work at least, in two chunks.
    const long = loopMedia(join(folder, 'long.mp4'), { of: round, times: 400, everySec: 2 });
    const host = stack.use(await hostFiles(folder));
    const dataDir = stack.use(temporaryFolder()).path;
    blobs = join(dataDir, 'blobs');
    // One worker, so that a worker that is not freed blocks the next task.
    server = stack.use(await startServer({ dataDir, env: { REELVEC_WORKERS: '1' } }));
    byUrl = asking('video', { url: `${host.url}/long.mp4` });
    const asset = await uploadAsset(server, readFileSync(long), 'long.mp4');
    byAsset = asking('video', { asset_id: asset.body._id });
  });
  after(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  /** Files of tasks, finished or not; the asset stays. */
  const taskFiles = () => ['tasks', '.tmp'].flatMap((name) => filesIn(join(blobs, name)));
  const isFreed = () => workersReading(server, '/source').length === 0 && taskFiles().length === 0;

  test('frees its worker within 2 s and leaves no file, at any moment', async (t) => {
    const random = seededRandom(t);
    for (let round = 0; round < ROUNDS; round++) {
      const running = await createTask(server, round % 2 === 0 ? byUrl : byAsset);
      const queued = await createTask(server, byUrl);
      await sleep(random(LATEST_MS));
      for (const id of [running, queued]) {
        assert.equal((await call(server, 'DELETE', `/embed-v2/tasks/${id}`)).status, 204);
        const gone = await call(server, 'GET', `/embed-v2/tasks/${id}`);
        assert.equal(gone.status, 404);
        assert.equal(gone.body.code, 'resource_not_exist');
        assert.equal((await call(server, 'DELETE', `/embed-v2/tasks/${id}`)).status, 404);
      }
      await until(isFreed, FREED_MS, `round ${round}: no worker reads, no file is left`);
    }
  });

  test('aborts an endless download', async () => {
    const mp4 = readFileSync(join(folder, 'round.mp4'));
    const { promise: brokenOff, resolve } = Promise.withResolvers<void>();
    let requests = 0;
    const slow = createServer((_, response) => {
      response.writeHead(200, { 'content-length': 1e9 }).write(mp4);
      // The first request reads only the head.
      if (++requests > 1) response.once('close', resolve);
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((listening) => slow.once('listening', listening));
      const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/slow.mp4`;
      const id = await createTask(server, asking('video', { url }));
      await until(() => taskFiles().length === 1, 5000, 'the download has begun');
      assert.equal((await call(server, 'DELETE', `/embed-v2/tasks/${id}`)).status, 204);
      const inTime = await Promise.race([brokenOff.then(() => true), sleep(FREED_MS, false)]);
      assert.ok(inTime, 'the host sees the connection end');
      await until(isFreed, FREED_MS, 'no file is left');
    } finally {
      slow.closeAllConnections();
      slow.close();
    }
  });

  test('leaves the server able to work', async () => {
    const video = { ...byAsset, video: { ...(byAsset as { video: object }).video, end_sec: 10 } };
    await ready(server, await createTask(server, video), 20_000);
  });
});
