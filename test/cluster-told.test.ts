import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { reelvec } from './support/command.ts';
import { hostFiles } from './support/file-host.ts';
import { listen, type SentEvent } from './support/listen.ts';
import { loopMedia } from './support/loop-media.ts';
import { makeMedia } from './support/make-media.ts';
import { type RunningServer, startServer, startWorker, temporaryFolder, until } from './support/server.ts';
import { NO_POSTGRES, type SharedState, sharedState } from './support/shared-state.ts';
import { asking, call, createTask, ended } from './support/tasks.ts';
import { checkSignature, receiver, SECRET } from './support/webhook-receiver.ts';

describe('every node reports the work of the others', { skip: NO_POSTGRES }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-told-'));
  const stack = new AsyncDisposableStack();
  let state: SharedState;
  let hook: Awaited<ReturnType<typeof receiver>>;
  let answer = 200;
  let one: RunningServer;
  let other: RunningServer;
  let worker: RunningServer;
  let film: object;
  let tiny: object;
  before(async () => {
    state = stack.use(await sharedState());
    const host = stack.use(await hostFiles(folder));
    hook = stack.use(await receiver(() => answer));
    const round = makeMedia(join(folder, 'round.mp4'), { video: 'testsrc=size=640x360:rate=10:duration=5' });
    // 11.5 minutes: four chunks.
    loopMedia(join(folder, 'film.mp4'), { of: round, times: 140, everySec: 5 });
    makeMedia(join(folder, 'tiny.mp4'), { video: 'testsrc=size=320x180:rate=10:duration=5' });
    const segmentation = { strategy: 'fixed', fixed: { duration_sec: 5 } };
    film = asking('video', { url: `${host.url}/film.mp4` }, { segmentation });
    tiny = asking('video', { url: `${host.url}/tiny.mp4` });
    const env = { ...state.env, REELVEC_WEBHOOKS: JSON.stringify([{ url: hook.url, secret: SECRET }]) };
    const options = () => ({ dataDir: stack.use(temporaryFolder()).path, env });
    const idle = () => ({ ...options(), env: { ...env, REELVEC_WORKERS: '0' } });
    const started = [
      startServer(idle()),
      startServer(idle()),
      startWorker({ ...options(), args: ['--concurrency', '1'] }),
    ];
    [one, other, worker] = (await Promise.all(started)) as [RunningServer, RunningServer, RunningServer];
    for (const node of [one, other, worker]) stack.use(node);
  });
  after(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  test('a reader of events resumes at another server, while the task runs on a third node', async () => {
    const id = await createTask(one, film);
    const seen: SentEvent[] = [];
    const segments = () => seen.filter(({ event }) => event === 'segment');
    for (let turn = 0; seen.at(-1)?.event !== 'ready'; turn++) {
      const cut = new AbortController();
      const until = segments().length + 20;
      for await (const event of listen(turn % 2 ? one : other, id, {
        lastEventId: seen.at(-1)?.id,
        signal: cut.signal,
      })) {
        seen.push(event);
        if (segments().length === until) break;
      }
      cut.abort();
      if (turn === 0) {
        const { status } = (await call(one, 'GET', `/embed-v2/tasks/${id}`)).body;
        assert.equal(status, 'processing', 'segments come while the task runs');
      }
    }
    const starts = segments().map(({ data }) => data.start_sec as number);
    assert.deepEqual(
      starts.toSorted((a, b) => a - b),
      Array.from({ length: 140 }, (_, i) => 5 * i),
      'each once',
    );
  });

  test('a webhook gets the end of the task of a worker, after failures again, and by hand from any node', async () => {
    const from = hook.all.length;
    answer = 503;
    const id = await createTask(one, tiny);
    const told = () => hook.all.slice(from).filter(({ body }) => body.includes(id));
    assert.equal((await ended(other, id)).status, 'failed');
    await until(() => told().length === 1, 10_000, 'it is told');
    answer = 200;
    await until(() => told().length === 2, 15_000, 'and told again');
    for (const received of told()) checkSignature(received);
    const event = JSON.parse(told()[1]!.body);
    assert.deepEqual(
      [event.type, event.data.id, event.data.error.code],
      ['embed.task.failed', id, 'video_resolution_too_low'],
    );
    assert.equal(JSON.parse(told()[0]!.body).id, event.id);

    using data = temporaryFolder();
    const webhooks = (...args: string[]) => reelvec(['webhooks', ...args, '--data-dir', data.path], { env: state.env });
    const line = async () =>
      (await webhooks('list')).stdout
        .toString()
        .split('\n')
        .find((text) => text.includes(event.id));
    assert.match(String(await line()), /delivered after 2 .* HTTP 200 OK$/);
    assert.equal((await webhooks('redeliver', event.id)).code, 0);
    await until(() => told().length === 3, 10_000, 'and once more');
  });

  test('of concurrent duplicates at two servers one creates, and all get its answer', async () => {
    for (let round = 0; round < 5; round++) {
      const headers = { 'x-api-key': 'test-key', 'idempotency-key': randomUUID() };
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          call(i % 2 ? one : other, 'POST', '/embed-v2/tasks', { body: tiny, headers }),
        ),
      );
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
      assert.equal(new Set(answers.map(({ body }) => body._id)).size, 1, 'one task');
      const replayed = answers.filter((each) => each.headers.get('idempotency-replayed') === 'true');
      assert.equal(replayed.length, 7);
      const different = await call(one, 'POST', '/embed-v2/tasks', { body: film, headers });
      assert.deepEqual([different.status, different.body.code], [409, 'conflict']);
    }
    const { body } = await call(one, 'GET', '/embed-v2/tasks?page_limit=50');
    await Promise.all(body.data.map(({ _id }: { _id: string }) => ended(other, _id)));
  });
});
