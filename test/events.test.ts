import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hostFiles } from './support/file-host.ts';
import { listen, type SentEvent } from './support/listen.ts';
import { loopMedia } from './support/loop-media.ts';
import { makeMedia } from './support/make-media.ts';
import { KEY, type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ready } from './support/tasks.ts';

describe('events of a task', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-events-'));
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let film: object;
  let broken: object;
  before(async () => {
    const round = makeMedia(join(folder, 'round.mp4'), { video: 'testsrc=size=640x360:rate=10:duration=5' });
    loopMedia(join(folder, 'film.mp4'), { of: round, times: 140, everySec: 5 });
    makeMedia(join(folder, 'tiny.mp4'), { video: 'testsrc=size=320x180:rate=10:duration=5' });
    const host = stack.use(await hostFiles(folder));
    film = asking(
      'video',
      { url: `${host.url}/film.mp4` },
      { segmentation: { strategy: 'fixed', fixed: { duration_sec: 5 } } },
    );
    broken = asking('video', { url: `${host.url}/tiny.mp4` });
    server = stack.use(await startServer({ dataDir: stack.use(temporaryFolder()).path }));
  });
  after(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  test('report progress and every segment once while the task runs, then its end', async () => {
    const id = await createTask(server, film);
    const events: (SentEvent & { status: string })[] = [];
    for await (const event of listen(server, id)) {
      const isSegment = event.event === 'segment';
      const status =
        isSegment && events.length < 40 ? (await call(server, 'GET', `/embed-v2/tasks/${id}`)).body.status : '';
      events.push({ ...event, status });
    }
    assert.equal(events.at(-1)?.event, 'ready');
    assert.deepEqual(events.at(-1)?.data, { _id: id, status: 'ready', warnings: events.at(-1)?.data.warnings });
    assert.ok(
      events.some(({ event, status }) => event === 'segment' && status === 'processing'),
      'segments before the end',
    );
    const fractions = events.filter(({ event }) => event === 'progress').map(({ data }) => data.fraction);
    assert.ok(fractions.length >= 3 && fractions.every((value, i) => value >= (fractions[i - 1] ?? 0)), `${fractions}`);
    const segments = events.filter(({ event }) => event === 'segment').map(({ data }) => data);
    const { body } = await call(server, 'GET', `/embed-v2/tasks/${id}`);
    const clips = body.data.filter((item: { embedding_scope: string }) => item.embedding_scope === 'clip');
    const times = (list: { start_sec: number; end_sec: number }[]) =>
      list.map(({ start_sec, end_sec }) => `${start_sec}-${end_sec}`).sort();
    assert.deepEqual(times(segments), times(clips));
  });

  test('resume after the last event, and answer 204 after the end', async () => {
    const id = await createTask(server, film);
    await ready(server, id);
    const all = await Array.fromAsync(listen(server, id));
    const half = Math.floor(all.length / 2);
    assert.equal(all[half]?.event, 'segment');
    const rest = await Array.fromAsync(listen(server, id, { lastEventId: all[half]!.id }));
    assert.deepEqual(rest, all.slice(half + 1));
    const headers = { 'x-api-key': KEY, 'last-event-id': 'end' };
    assert.equal((await call(server, 'GET', `/embed-v2/tasks/${id}/events`, { headers })).status, 204);
    const wrong = await call(server, 'GET', `/embed-v2/tasks/${id}/events`, {
      headers: { ...headers, 'last-event-id': 'x; drop' },
    });
    assert.deepEqual([wrong.status, wrong.body.code], [400, 'parameter_invalid']);
  });

  test('end when the task is deleted, and are 404 afterwards', async () => {
    const id = await createTask(server, film);
    const listening = Array.fromAsync(listen(server, id));
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal((await call(server, 'DELETE', `/embed-v2/tasks/${id}`)).status, 204);
    assert.ok(!(await listening).some(({ event }) => event === 'ready' || event === 'failed'));
    assert.equal((await call(server, 'GET', `/embed-v2/tasks/${id}/events`)).status, 404);
  });

  test('report the reason of a failure', async () => {
    const id = await createTask(server, { ...broken });
    const last = (await Array.fromAsync(listen(server, id))).at(-1);
    assert.equal(last?.event, 'failed');
    assert.equal(last?.data.error.code, 'video_resolution_too_low');
  });

  test('end when the server stops, and resume after the restart', async () => {
    using folder = temporaryFolder();
    await using first = await startServer({ dataDir: folder.path });
    const id = await createTask(first, film);
    const seen: SentEvent[] = [];
    for await (const event of listen(first, id)) {
      seen.push(event);
      if (seen.filter((one) => one.event === 'segment').length === 3) void first.stop();
    }
    await first.kill();
    await using second = await startServer({ dataDir: folder.path });
    for await (const event of listen(second, id, { lastEventId: seen.at(-1)!.id })) seen.push(event);
    assert.equal(seen.at(-1)?.event, 'ready');
    const segments = seen.filter(({ event }) => event === 'segment').map(({ data }) => data.start_sec);
    assert.equal(new Set(segments).size, segments.length, 'none twice');
    assert.equal(segments.length, 140);
  });
});
