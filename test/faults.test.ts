import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostFiles } from './support/file-host.ts';
import { loopMedia } from './support/loop-media.ts';
import { makeMedia } from './support/make-media.ts';
import { NO_REAL_MEDIA, REAL_MEDIA } from './support/real-media.ts';
import {
  childrenOf,
  isAlive,
  processesOf,
  type RunningServer,
  startServer,
  temporaryFolder,
  until,
} from './support/server.ts';
import { asking, call, createTask, type EndedTask, ended, ready } from './support/tasks.ts';
import { workersReading } from './support/workers.ts';

const SILENCE_SEC = 2;
const folder = mkdtempSync(join(tmpdir(), 'reelvec-faults-'));
after(() => rmSync(folder, { recursive: true }));

before(() => {
  const round = makeMedia(join(folder, 'short.mp4'), {
    video: 'testsrc=size=640x360:rate=24:duration=5',
    audio: 'sine=frequency=440:duration=5',
  });
  // Two thousand pictures: at least a second of work, long enough to be interrupted in the middle.
  loopMedia(join(folder, 'film.mp4'), { of: round, times: 16, everySec: 5 });
  // The decoder alone holds more of these than the limit below allows, and for seconds: memory is measured
  // now and then only.
  const large = makeMedia(join(folder, 'few.mp4'), { video: 'testsrc=size=5184x2160:rate=2:duration=4' });
  loopMedia(join(folder, 'large.mp4'), { of: large, times: 10, everySec: 4 });
});

const KILLED = ['killed', 'SIGKILL'] as const;
const FROZEN = ['frozen', 'SIGSTOP'] as const;

losesWorkers('made media', { folder, film: 'film.mp4', short: 'short.mp4' }, [KILLED, FROZEN]);
const real = { folder: join(REAL_MEDIA, 'video'), film: 'bbb_30s_854x480_6ch.mp4', short: 'flower_960x540.mp4' };
losesWorkers('real media', real, [KILLED], NO_REAL_MEDIA);

function losesWorkers(
  name: string,
  media: { folder: string; film: string; short: string },
  strikes: readonly (typeof KILLED | typeof FROZEN)[],
  skip?: string,
): void {
  describe(name, { skip }, () => {
    const stack = new AsyncDisposableStack();
    let server: RunningServer;
    let film: object;
    let short: object;
    let undisturbed: EndedTask;
    let dataDir: string;
    before(async () => {
      const host = stack.use(await hostFiles(media.folder));
      dataDir = stack.use(temporaryFolder()).path;
      server = stack.use(
        await startServer({
          dataDir,
          env: { REELVEC_WORKER_SILENCE_SEC: String(SILENCE_SEC), REELVEC_WORKERS: '2' },
        }),
      );
      film = asking('video', { url: `${host.url}/${media.film}` });
      short = asking('video', { url: `${host.url}/${media.short}` });
      // Both at once, so that both workers have started.
      const twice = [await createTask(server, film), await createTask(server, film)];
      undisturbed = await ready(server, twice[0]!);
      assert.ok((await ready(server, twice[1]!)).data === undisturbed.data, 'the same again');
    });
    after(() => stack.disposeAsync());

    test('workers that die while idle cost no task an attempt', async () => {
      const idle = childrenOf(server.pid);
      for (const pid of idle) process.kill(pid, 'SIGKILL');
      await until(() => idle.every((pid) => !isAlive(pid)), 2000, 'they are dead');
      await ready(server, await createTask(server, short));
    });

    for (const [how, signal] of strikes) {
      test(`a worker ${how} during a task is replaced, and the result is the same`, async () => {
        const id = await createTask(server, film);
        const [struck] = await strike(server, id, signal, 1);
        const task = await ready(server, id);
        assert.ok(task.data === undisturbed.data, 'the result of an undisturbed run');
        assert.ok(!isAlive(struck!), 'the struck worker is gone');
      });
    }

    if (strikes.includes(FROZEN)) {
      test('repeatedly frozen workers delay a task, and the media is not blamed', async () => {
        const id = await createTask(server, film);
        assert.equal((await strike(server, id, 'SIGSTOP', 3)).length, 3);
        assert.ok((await ready(server, id)).data === undisturbed.data, 'the result of an undisturbed run');
        assert.match(server.output(), /Processing stopped answering/, 'the log tells of it');
      });

      test('workers that are killed repeatedly, as for lack of memory, delay a task', async () => {
        const id = await createTask(server, film);
        assert.equal((await strike(server, id, 'SIGKILL', 3)).length, 3);
        assert.ok((await ready(server, id)).data === undisturbed.data, 'the result of an undisturbed run');
        assert.match(server.output(), /SIGKILL, which reelvec did not send: most likely/, 'the log tells of it');
      });
    }

    if (strikes.includes(KILLED)) {
      test('a crash on every attempt fails that task only', async () => {
        const id = await createTask(server, film);
        const striking = strike(server, id, 'SIGSEGV', Number.POSITIVE_INFINITY);
        const beside = await createTask(server, short);
        const slowestMs = healthWhile(server, striking);
        await ready(server, beside);
        const task = await ended(server, id);
        assert.equal(task.status, 'failed');
        assert.equal(task.error?.code, 'video_file_broken');
        assert.match(task.error.message, /media could not be processed/);
        assert.match(task.error.message, /SIGSEGV/);
        // Awaited, because the answer may arrive before the log line.
        const told = () => /"cause":"WorkerLost: The media worker /.test(server.output());
        await until(told, 10_000, 'the log says why');
        assert.equal((await striking).length, 2, 'two attempts');
        assert.ok((await slowestMs) < 1000, `/healthz took ${await slowestMs} ms`);
      });
    }

    test('no worker process and no work is left', async () => {
      await until(() => workersReading(server, '/source').length === 0, 2000, 'every worker is idle');
      assert.equal(await server.stop(), 0);
      assert.deepEqual(processesOf(server, dataDir), []);
    });
  });
}

test('a worker over its memory limit fails the task with a message that says so', { timeout: 60_000 }, async () => {
  await using host = await hostFiles(folder);
  using data = temporaryFolder();
  await using server = await startServer({ dataDir: data.path, env: { REELVEC_WORKER_MEMORY_MB: '180' } });
  const url = (file: string) => ({ url: `${host.url}/${file}` });
  const large = await createTask(server, asking('video', url('large.mp4')));
  const task = await ended(server, large);
  assert.equal(task.status, 'failed');
  assert.match(task.error?.message ?? '', /media could not be processed.*more than 180 MB of memory/);
  assert.equal((await call(server, 'GET', '//healthz')).status, 200);
  await ready(server, await createTask(server, asking('video', url('short.mp4'))));
});

/** Sends a signal to up to `most` workers that embed a task, until the task ends. @returns their pids */
async function strike(server: RunningServer, id: string, signal: NodeJS.Signals, most: number): Promise<number[]> {
  const struck = new Set<number>();
  for (;;) {
    const { status, progress } = (await call(server, 'GET', `/embed-v2/tasks/${id}`)).body;
    if (status !== 'processing') return [...struck];
    if (progress.stage !== 'embedding') continue;
    for (const pid of workersReading(server, id)) {
      if (struck.has(pid)) continue;
      process.kill(pid, signal);
      struck.add(pid);
      if (struck.size === most) return [...struck];
    }
    await sleep(10);
  }
}

/** Polls /healthz. @returns the longest response time in milliseconds */
async function healthWhile(server: RunningServer, work: Promise<unknown>): Promise<number> {
  let isOver = false;
  work.finally(() => {
    isOver = true;
  });
  let slowest = 0;
  while (!isOver) {
    const asked = performance.now();
    assert.equal((await call(server, 'GET', '//healthz')).status, 200);
    slowest = Math.max(slowest, performance.now() - asked);
    await sleep(50);
  }
  return slowest;
}
