import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SingleWriter } from './single-writer.ts';

/** Writer that records its calls, and whose end the test decides. */
function fakeWriter(name: string, calls: string[]) {
  const stored = Promise.withResolvers<string>();
  const writer = {
    stored,
    received: 0 as number | undefined,
    receivedBytes: (): number | undefined => writer.received,
    write(replaced: AbortSignal) {
      calls.push(`${name} writes`);
      replaced.addEventListener('abort', () => stored.reject(new Error('replaced')));
      return stored.promise;
    },
    async discard(result: string) {
      calls.push(`${name} discards`);
      return result;
    },
  };
  return writer;
}

const turn = () => new Promise(setImmediate);

test('a second request gets the result of the first and writes nothing', async () => {
  const calls: string[] = [];
  const writers = new SingleWriter<string>({ stallTimeoutMs: 50 });
  const [first, second] = [fakeWriter('first', calls), fakeWriter('second', calls)];
  const results = Promise.all([writers.run('key', first), writers.run('key', second)]);
  let received = 1;
  first.receivedBytes = () => received++;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(received > 1, 'progress was checked for longer than the timeout');
  first.stored.resolve('etag');
  assert.deepEqual(await results, ['etag', 'etag']);
  assert.deepEqual(calls, ['first writes', 'second discards']);
});

test('a second request writes once the first has failed', async () => {
  const calls: string[] = [];
  const writers = new SingleWriter<string>();
  const [first, second] = [fakeWriter('first', calls), fakeWriter('second', calls)];
  const results = Promise.allSettled([writers.run('key', first), writers.run('key', second)]);
  await turn();
  assert.deepEqual(calls, ['first writes']);
  first.stored.reject(new Error('hung up'));
  await turn();
  second.stored.resolve('etag');
  assert.deepEqual(
    (await results).map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
  assert.deepEqual(calls, ['first writes', 'second writes']);
});

test('a request that receives no bytes is replaced by the second; one that is storing is not', async () => {
  const calls: string[] = [];
  const writers = new SingleWriter<string>({ stallTimeoutMs: 20 });
  const [first, second] = [fakeWriter('first', calls), fakeWriter('second', calls)];
  first.received = undefined;
  const results = Promise.allSettled([writers.run('key', first), writers.run('key', second)]);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(calls, ['first writes']);
  first.received = 1;
  while (calls.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  second.stored.resolve('etag');
  assert.deepEqual(
    (await results).map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
  assert.deepEqual(calls, ['first writes', 'second writes']);
});

test('requests with different keys do not wait for each other', async () => {
  const calls: string[] = [];
  const writers = new SingleWriter<string>();
  const made = ['a', 'b'].map((key) => {
    const writer = fakeWriter(key, calls);
    writer.stored.resolve(key);
    return writers.run(key, writer);
  });
  assert.deepEqual(await Promise.all(made), ['a', 'b']);
});
