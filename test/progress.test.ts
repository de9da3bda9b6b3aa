import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostFiles } from './support/file-host.ts';
import { loopMedia } from './support/loop-media.ts';
import { makeMedia } from './support/make-media.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ready } from './support/tasks.ts';

const STAGES = ['queued', 'fetching', 'probing', 'embedding', 'finalizing'];

describe('a long task', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-progress-'));
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let film: object;
  let part: object;
  before(async () => {
    const round = makeMedia(join(folder, 'round.mp4'), { video: 'testsrc=size=640x360:rate=10:duration=5' });
    // Two chunks, one after the other.
    loopMedia(join(folder, 'film.mp4'), { of: round, times: 133, everySec: 5 });
    const host = stack.use(await hostFiles(folder));
    film = asking('video', { url: `${host.url}/film.mp4` });
    part = asking('video', { url: `${host.url}/film.mp4` }, { end_sec: 300 });
    server = stack.use(
      await startServer({ dataDir: stack.use(temporaryFolder()).path, env: { REELVEC_WORKERS: '1' } }),
    );
  });
  after(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  test('reports its stage and a fraction that grows from 0 to 1, and neither once it is ready', async () => {
    const id = await createTask(server, film);
    const seen: { fraction: number; stage: string }[] = [];
    for (;;) {
      const { body } = await call(server, 'GET', `/embed-v2/tasks/${id}`);
      if (body.status !== 'processing') break;
      assert.deepEqual([body.data, body.error], [null, undefined]);
      seen.push(body.progress);
      await sleep(20);
    }
    const { body } = await call(server, 'GET', `/embed-v2/tasks/${id}`);
    assert.equal(body.status, 'ready');
    assert.ok(!('progress' in body));
    const fractions = seen.map(({ fraction }) => fraction);
    assert.ok(fractions.every((fraction, i) => fraction >= (fractions[i - 1] ?? 0) && fraction <= 1));
    assert.equal(fractions[0], 0);
    assert.ok(new Set(fractions).size >= 4, `steps: ${[...new Set(fractions)]}`);
    const stages = seen.map(({ stage }) => STAGES.indexOf(stage));
    assert.ok(
      stages.every((stage, i) => stage >= (stages[i - 1] ?? 0)),
      'known stages, in order',
    );
    assert.ok(stages.includes(STAGES.indexOf('embedding')));
  });

  test('wait answers at its timeout, or as soon as the task is ready', async () => {
    const id = await createTask(server, part);
    const asked = performance.now();
    assert.equal((await call(server, 'GET', `/embed-v2/tasks/${id}?wait=0.3`)).body.status, 'processing');
    assert.ok(performance.now() - asked >= 290);
    // Requested at the same time, so that the difference is the delay of `wait`.
    const waiting = call(server, 'GET', `/embed-v2/tasks/${id}?wait=60`).then(() => performance.now());
    await ready(server, id);
    const answered = await waiting;
    const updated = Date.parse((await call(server, 'GET', `/embed-v2/tasks/${id}`)).body.updated_at);
    const lateMs = performance.timeOrigin + answered - updated;
    assert.ok(lateMs < 1500, `answered ${lateMs} ms after the end`);
    for (const wait of ['61', '-1', 'long'])
      assert.equal((await call(server, 'GET', `/embed-v2/tasks/${id}?wait=${wait}`)).status, 400);
  });

  test('waiting for a task ends with 404 if it is deleted', async () => {
    const id = await createTask(server, film);
    const waiting = call(server, 'GET', `/embed-v2/tasks/${id}?wait=60`);
    assert.equal((await call(server, 'DELETE', `/embed-v2/tasks/${id}`)).status, 204);
    assert.equal((await waiting).status, 404);
  });
});
