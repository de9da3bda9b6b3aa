import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../database/open.ts';
import { isReelvecError } from '../errors.ts';
import { type Claim, IdempotencyKeys } from '../idempotency/keys.ts';
import { createOnce } from './idempotency.ts';

const SECOND = 1000;

async function open() {
  const db = await openDatabase(':memory:');
  const keys = new IdempotencyKeys(db);
  /** Sends a creating request. `work` gives the name of what it creates. */
  const send = (
    work: () => Promise<string>,
    { content = { a: 1 } as unknown, url = '/films', method = 'POST' } = {},
  ) => {
    const headers: Record<string, unknown> = {};
    const raw = Object.assign(new EventEmitter(), { writableFinished: false });
    const reply = { raw, header: (name: string, value: unknown) => Object.assign(headers, { [name]: value }) };
    const request = { method, owner: 'me', routeOptions: { url }, headers: { 'idempotency-key': 'k' } };
    const operation = { content, answer: (made: string) => ({ made }) };
    const answer = createOnce(keys, { request, reply } as never, operation, async (onCreated) => {
      const made = await work();
      await onCreated?.(db, made);
      return made;
    });
    return { answer, headers, hangUp: () => raw.emit('close') };
  };
  /** Sends a request that holds the key until it is released. */
  const hold = async () => {
    const started = Promise.withResolvers<void>();
    const work = Promise.withResolvers<string>();
    const { answer } = send(() => {
      started.resolve();
      return work.promise;
    });
    answer.catch(() => {});
    await started.promise;
    return { answer, finish: () => work.resolve('first'), fail: () => work.reject(new Error('failed')) };
  };
  return { db, keys, send, hold, [Symbol.asyncDispose]: () => db.destroy() };
}

const never = () => Promise.reject(new Error('must not be created'));

/** Lets the claims of a waiting request happen at these times, in seconds since it came. */
function claimAt(t: TestContext, keys: IdempotencyKeys, times: number[], before: () => unknown = () => {}) {
  let clock = 0;
  t.mock.method(performance, 'now', () => clock * SECOND);
  const claim = keys.claim.bind(keys);
  t.mock.method(keys, 'claim', async (wanted: Parameters<typeof claim>[0]) => {
    assert.ok(times.length > 0, 'another claim');
    clock = times.shift()!;
    await before();
    return claim(wanted);
  });
}

const isConflict = (message: RegExp) => (error: unknown) =>
  isReelvecError(error) && error.code === 'conflict' && message.test(error.message);

test('a request waits for the answer of the one that holds the key, and asks for it at intervals', async (t) => {
  await using once = await open();
  const first = await once.hold();
  const claims = t.mock.method(once.keys, 'claim');
  const second = once.send(never);
  await sleep(350);
  first.finish();
  assert.deepEqual(await second.answer, { made: 'first' });
  assert.equal(second.headers['idempotency-replayed'], 'true');
  const asked = claims.mock.callCount();
  assert.ok(asked >= 2 && asked <= 5, `${asked} times in 0.35 s`);
});

test('a key is taken over from a holder without a heartbeat for 15 seconds, not before', async (t) => {
  await using once = await open();
  const first = await once.hold();
  const times = [0, 15, 15.001];
  claimAt(t, once.keys, times);
  const second = once.send(async () => 'second');
  assert.deepEqual(await second.answer, { made: 'second' });
  assert.deepEqual(times, []);
  assert.equal(second.headers['idempotency-replayed'], undefined);
  first.finish();
  await assert.rejects(first.answer, /taken/, 'the first can complete nothing');
});

test('a holder that lives keeps its key, and after a minute the other request is refused', async (t) => {
  await using once = await open();
  let held: Claim | undefined;
  const claim = once.keys.claim.bind(once.keys);
  once.keys.claim = async (wanted) => {
    const state = await claim(wanted);
    if ('fingerprint' in state) return state;
    held = state;
    return state;
  };
  const first = await once.hold();
  const times = [0, 14, 28, 42, 56, 60, 60.001];
  claimAt(t, once.keys, times, () => once.keys.beat(held!));
  await assert.rejects(once.send(never).answer, isConflict(/"k" is still being carried out\. Send it again later/));
  assert.deepEqual(times, []);
  first.finish();
  assert.deepEqual(await first.answer, { made: 'first' });
});

test('a request that is too late to take a key over goes on waiting', async (t) => {
  await using once = await open();
  const first = await once.hold();
  t.mock.method(once.keys, 'takeOver', async () => {
    first.finish();
    await first.answer;
    return undefined;
  });
  claimAt(t, once.keys, [0, 16, 17]);
  assert.deepEqual(await once.send(never).answer, { made: 'first' });
});

test('a client that hangs up waits no longer', async () => {
  await using once = await open();
  const first = await once.hold();
  const second = once.send(never);
  await sleep(50);
  second.hangUp();
  await assert.rejects(second.answer, { name: 'AbortError' });
  first.fail();
});

test('a holder reports every three seconds that it lives, until it is done, and one lost report does not matter', async (t) => {
  await using once = await open();
  t.mock.timers.enable({ apis: ['setInterval'] });
  const beats = t.mock.method(once.keys, 'beat', () => Promise.reject(new Error('database away')));
  const first = await once.hold();
  for (const [ms, count] of [
    [2999, 0],
    [1, 1],
    [6000, 3],
  ] as const) {
    t.mock.timers.tick(ms);
    assert.equal(beats.mock.callCount(), count);
  }
  first.finish();
  assert.deepEqual(await first.answer, { made: 'first' });
  t.mock.timers.tick(30_000);
  assert.equal(beats.mock.callCount(), 3);
});

test('a request that fails gives the key back, and its error is told even if that fails', async (t) => {
  await using once = await open();
  await assert.rejects(once.send(never).answer, /must not be created/);
  const release = t.mock.method(once.keys, 'release', () => Promise.reject(new Error('database away')));
  await assert.rejects(once.send(never).answer, /must not be created/);
  release.mock.restore();
  claimAt(t, once.keys, [0, 16]);
  assert.deepEqual(await once.send(async () => 'second').answer, { made: 'second' });
});

test('a request is the same one only with the same method, route and content, whose keys may come in any order', async () => {
  await using once = await open();
  const content = { b: [{ d: 1, c: null }, 'x'], a: 2 };
  assert.deepEqual(await once.send(async () => 'first', { content }).answer, { made: 'first' });
  const same = once.send(never, { content: { a: 2, b: [{ c: null, d: 1 }, 'x'] } });
  assert.deepEqual(await same.answer, { made: 'first' });
  for (const other of [
    { content: { ...content, a: 3 } },
    { content: { ...content, b: ['x', { c: null, d: 1 }] } },
    { content: { ...content, b: [{ c: null, d: 1, e: 1 }, 'x'] } },
    { content, url: '/songs' },
    { content, method: 'PUT' },
  ]) {
    await assert.rejects(once.send(never, other).answer, isConflict(/"k" came with another request before/));
  }
});
