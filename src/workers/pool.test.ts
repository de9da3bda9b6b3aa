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

for (const [path, message] of [
  ['crash', /was ended by SIGABRT/],
  ['exit', /ended with code 7/],
  ['hang', /no progress in 0.4 s/],
  ['grow', /more than 400 MB/],
] as const) {
  test(`a worker that does "${path}" costs its own job only`, async () => {
    const beside = probe('slow');
    await assert.rejects(probe(path), (error) => error instanceof WorkerLost && message.test(error.message));
    assert.equal((await beside).format, 'slow');
    assert.equal((await probe('ok')).format, 'ok');
  });
}

const LINUX_ONLY = process.platform === 'linux' ? false : 'only Linux reports the CPU time of a process';

test('a worker that computes without progress is lost, not stalled', {
  skip: LINUX_ONLY,
  timeout: 60_000,
}, async () => {
  // On an overloaded machine it gets too little CPU time for that verdict: then it is started again.
  for (;;) {
    const error = await probe('hang').catch((reason: unknown) => reason);
    assert.ok(error instanceof WorkerLost);
    if (error instanceof WorkerStalled) continue;
    assert.match(error.message, /no progress in 0.4 s of work/);
    return;
  }
});

test('media is blamed for two workers that crash or compute without progress', async () => {
  const losses = [new WorkerLost('The media worker crashed.'), new WorkerLost('The media worker hung.')];
  await assert.rejects(
    runWithRetry(failingPool(losses), { kind: 'probe', path: 'film' }, {}),
    (error) => error instanceof ReelvecError && error.code === 'video_file_broken' && /worker hung/.test(error.message),
  );
  assert.deepEqual(losses, []);
});

test('an idle worker that answers nothing is not retried, and the media is not blamed', async () => {
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

for (const [path, message] of [
  [
    'be killed',
    /ended by SIGKILL, which reelvec did not send: most likely .* run out of memory\. Nothing says that the media/,
  ],
  ['be terminated', /ended by SIGTERM, which reelvec did not send\. Nothing says that the media/],
] as const) {
  test(`a worker that happens to "${path}" is not retried, and the media is not blamed`, async () => {
    const lost: string[] = [];
    await using own = new WorkerPool({ ...options, size: 1, onLost: (error) => lost.push(error.name) });
    await assert.rejects(runWithRetry(own, { kind: 'probe', path }, {}), (error) => {
      assert.ok(error instanceof ReelvecError);
      assert.equal(error.code, 'service_unavailable');
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(lost, ['WorkerKilled']);
  });
}

test('one crash after a failed start does not implicate the media', async () => {
  const faults = [new WorkerNotStarted('no'), new WorkerLost('crash')];
  assert.equal(await runWithRetry(failingPool(faults), { kind: 'probe', path: 'ok' }, {}), 'done');
});

test('progress reports keep a slow job alive beyond the stall timeout', async () => {
  const seen: number[] = [];
  await probe('slow', { onProgress: (doneSec: number) => seen.push(doneSec) });
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
});

test('an error about the media keeps its code, any other is a plain error, and the worker lives on', async () => {
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

test('no more workers run than the pool allows, and every job is done', async () => {
  const results = await Promise.all(Array.from({ length: 20 }, () => probe('ok')));
  assert.ok(new Set(results.map((result) => result.mimeType)).size <= 2);
});

test('closing ends running jobs and leaves no process', async () => {
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

/** Pool whose jobs fail with each error in turn, which removes it from the list, and then succeed. */
function failingPool(errors: Error[]): WorkerPool {
  const run = async () => {
    const error = errors.shift();
    if (error) throw error;
    return 'done';
  };
  return { run } as unknown as WorkerPool;
}
