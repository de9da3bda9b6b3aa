import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { isTransientQueryError } from '../database/unavailable.ts';
import { DatabaseRetry, withRetry, withTimeout } from './database-retry.ts';

const log = pino({ level: 'silent' });
const closed = () => Object.assign(new Error('write CONNECTION_CLOSED'), { code: 'CONNECTION_CLOSED' });
const answering = (code: string) => Object.assign(new Error(code), { name: 'PostgresError', code });

test('a call is repeated until the database answers', async () => {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect', query: '' });
  const faults = [closed(), refused, answering('57P03'), answering('40P01'), answering('53100')];
  const store = {
    count: 0,
    async write(what: string) {
      this.count++;
      const fault = faults.shift();
      if (fault) throw fault;
      return what;
    },
  };
  assert.equal(await withRetry(store, new DatabaseRetry(log)).write('it'), 'it');
  assert.equal(store.count, 6);
});

test('what the database answers to the query itself, or something else says, is thrown at once', async () => {
  const retry = new DatabaseRetry(log);
  const ofBucket = Object.assign(new Error('read'), { code: 'ECONNRESET', syscall: 'read' });
  for (const error of [ofBucket, answering('23505'), answering('57014'), new Error('Failed to complete the run')]) {
    let calls = 0;
    const call = retry.call('write', async () => {
      calls++;
      throw error;
    });
    await assert.rejects(call, error);
    assert.equal(calls, 1);
  }
});

test('a call that is never answered counts as one whose connection broke', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const call = assert.rejects(
    withTimeout(() => new Promise(() => {})),
    (error) => isTransientQueryError(error) && /did not answer within 30 s/.test(String(error)),
  );
  t.mock.timers.tick(30_000);
  await call;
});

test('what still waits when the run is handed over never goes on', async () => {
  const retry = new DatabaseRetry(log);
  let calls = 0;
  const call = retry.call('write', async () => {
    calls++;
    throw closed();
  });
  await sleep(10);
  retry.end();
  assert.equal(await Promise.race([call.then(() => 'ended'), sleep(200, 'open')]), 'open');
  assert.equal(calls, 1);
});

/** Faulty calls until the given number of milliseconds has passed. @returns the times of the calls since the first, in ms */
async function callsWithin(durationMs: number): Promise<number[]> {
  const retry = new DatabaseRetry(log);
  const begun = performance.now();
  const calls: number[] = [];
  void retry.call('write', async () => {
    calls.push(performance.now() - begun);
    throw closed();
  });
  await sleep(durationMs);
  retry.end();
  return calls;
}

test('the waits between retries double, from 50 ms', async () => {
  const calls = await callsWithin(1000);
  const waits = calls.slice(1).map((time, i) => time - calls[i]!);
  for (const [i, waitMs] of waits.entries()) assert.ok(waitMs >= 50 * 2 ** i - 5, `wait ${i}: ${waitMs} ms`);
  assert.ok(calls.length <= 5, `${calls.length} calls in a second`);
});

test('a method of a wrapped object gets its arguments and its object; other properties stay as they are', async () => {
  const store = {
    name: 'jobs',
    async join(...parts: string[]) {
      return [this.name, ...parts].join('/');
    },
  };
  const wrapped = withRetry(store, new DatabaseRetry(log));
  assert.equal(wrapped.name, 'jobs');
  assert.equal(await wrapped.join('a', 'b'), 'jobs/a/b');
});

test('a wrapped call that is never answered is made again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let calls = 0;
  const store = {
    async read() {
      if (++calls === 1) await new Promise(() => {});
      return 'answer';
    },
  };
  const answer = withRetry(store, new DatabaseRetry(log)).read();
  t.mock.timers.tick(30_000);
  assert.equal(await answer, 'answer');
});

test('an unavailable database is logged once per call, with its name', async () => {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  let times = 0;
  await new DatabaseRetry(logger).call('claim', async () => {
    if (++times < 4) throw closed();
  });
  assert.deepEqual(
    lines.map(({ msg, call }) => [msg, call]),
    [['waiting for the database', 'claim']],
  );
});
