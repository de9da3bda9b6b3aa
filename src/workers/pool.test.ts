import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReelvecError } from '../errors.ts';
import { WorkerPool } from './pool.ts';
import { runWithRetry } from './retry.ts';
import { WorkerLost, WorkerNotStarted, WorkerStalled } from './supervised-process.ts';

const options = {
  entry: new URL('../../test/support/misbehaving-worker.ts', import.meta.url),
  args: [],
  memoryBytes: 400 * 1024 ** 2,
  stallTimeoutMs: 400,
};
const pool = new WorkerPool({ ...options, size: 2 });
after(() => pool[Symbol.asyncDispose]());
const probe = (path: string, more = {}) => pool.run<'probe'>({ kind: 'probe', path }, more);

for (const [path, how] of [
  ['crash', /was ended by SIGABRT/],
  ['exit', /ended with code 7/],
  ['hang', /no progress in 0.4 s/],
  ['grow', /more than 400 MB/],
] as const) {
  test(`a worker that does "${path}" costs its own job only`, async () => {
    const beside = probe('slow');
    await assert.rejects(probe(path), (error) => error instanceof WorkerLost && how.test(error.message));
    assert.equal((await beside).format, 'slow');
    assert.equal((await probe('ok')).format, 'ok');
  });
}

const LINUX_ONLY = process.platform === 'linux' ? false : 'only Linux tells what a process does';

test('media is blamed for workers that work on it and get nowhere', { skip: LINUX_ONLY }, async () => {
  const hangs = runWithRetry(pool, { kind: 'probe', path: 'hang' }, {});
  await assert.rejects(hangs, (error) => error instanceof ReelvecError && error.code === 'video_file_broken');
});

test('media is not blamed for a worker that does nothing, and is not tried again there and then', async () => {
  let lost = 0;
  await using own = new WorkerPool({
    ...options,
    size: 1,
    onLost: (error) => error instanceof WorkerStalled && lost++,
  });
  await assert.rejects(runWithRetry(own, { kind: 'probe', path: 'wait' }, {}), (error) => {
    assert.ok(error instanceof ReelvecError);
    assert.equal(error.code, 'service_unavailable');
    assert.match(error.message, /stopped answering.*no progress in 0.4 s.*Nothing says that the media is at fault/);
    return true;
  });
  assert.equal(lost, 1);
});

for (const [path, told] of [
  [
    'be killed',
    /ended by SIGKILL, which reelvec did not send: most likely .* run out of memory\. Nothing says that the media/,
  ],
  ['be terminated', /ended by SIGTERM, which reelvec did not send\. Nothing says that the media/],
] as const) {
  test(`media is not blamed for a worker that happens to "${path}", and is not tried again there and then`, async () => {
    const lost: string[] = [];
    await using own = new WorkerPool({ ...options, size: 1, onLost: (error) => lost.push(error.name) });
    await assert.rejects(runWithRetry(own, { kind: 'probe', path }, {}), (error) => {
      assert.ok(error instanceof ReelvecError);
      assert.equal(error.code, 'service_unavailable');
      assert.match(error.message, told);
      return true;
    });
    assert.deepEqual(lost, ['WorkerKilled']);
  });
}

test('one crash after a failed start is no proof against the media', async () => {
  const faults = [new WorkerNotStarted('no'), new WorkerLost('crash')];
  const flaky = {
    run: async () => {
      const fault = faults.shift();
      if (fault) throw fault;
      return 'done';
    },
  } as unknown as WorkerPool;
  assert.equal(await runWithRetry(flaky, { kind: 'probe', path: 'ok' }, {}), 'done');
});

test('signs of life keep a slow job alive beyond the silence allowed', async () => {
  const seen: number[] = [];
  await probe('slow', { onProgress: (doneSec: number) => seen.push(doneSec) });
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
});

test('a fault of the media keeps its code, any other is a plain error, and the worker lives on', async () => {
  const before = (await probe('ok')).mimeType;
  await assert.rejects(probe('refuse'), (error) => error instanceof ReelvecError && error.code === 'video_file_broken');
  await assert.rejects(probe('throw'), (error) => !(error instanceof ReelvecError) && !(error instanceof WorkerLost));
  assert.equal((await probe('ok')).mimeType, before);
});

test('an abort kills the worker that runs the job, and takes a waiting job out of the queue', async () => {
  const running = new AbortController();
  const waiting = new AbortController();
  const hung = [probe('hang', { signal: running.signal }), probe('hang', { signal: running.signal })];
  const queued = probe('ok', { signal: waiting.signal });
  const last = probe('ok');
  waiting.abort(new Error('not wanted'));
  await assert.rejects(queued, /not wanted/);
  running.abort(new Error('stopped'));
  for (const job of hung) await assert.rejects(job, /stopped/);
  assert.equal((await last).format, 'ok');
});

test('an abort while the worker still starts keeps the job from running', async () => {
  await using cold = new WorkerPool({ ...options, size: 1 });
  const aborted = new AbortController();
  const job = cold.run({ kind: 'probe', path: 'slow' }, { signal: aborted.signal });
  setImmediate(() => aborted.abort(new Error('not wanted')));
  await assert.rejects(job, /not wanted/);
  assert.equal((await cold.run<'probe'>({ kind: 'probe', path: 'ok' })).format, 'ok');
});

test('a worker that does not start is a fault of the server and not of the media', async () => {
  await using none = new WorkerPool({ ...options, entry: new URL('./no-such-worker.ts', import.meta.url), size: 1 });
  await assert.rejects(
    runWithRetry(none, { kind: 'probe', path: 'ok' }, {}),
    (error) => error instanceof WorkerNotStarted && /no-such-worker/.test(error.message),
  );
});

test('never more workers than the pool is wide, and every job gets its turn', async () => {
  const results = await Promise.all(Array.from({ length: 20 }, () => probe('ok')));
  assert.ok(new Set(results.map((result) => result.mimeType)).size <= 2);
});

test('closing ends what runs, and no process is left', async () => {
  const closing = new WorkerPool({ ...options, size: 1 });
  const pid = Number((await closing.run<'probe'>({ kind: 'probe', path: 'ok' })).mimeType);
  const jobs = [closing.run({ kind: 'probe', path: 'slow' }), closing.run({ kind: 'probe', path: 'ok' })];
  const ends = Promise.allSettled(jobs);
  await closing[Symbol.asyncDispose]();
  assert.ok((await ends).every((end) => end.status === 'rejected' && end.reason instanceof WorkerLost));
  await assert.rejects(closing.run({ kind: 'probe', path: 'ok' }), WorkerLost);
  await sleep(100);
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});
