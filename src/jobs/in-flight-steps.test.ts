import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { InFlightSteps } from './in-flight-steps.ts';

const log = pino({ level: 'silent' });

test('a step that fails before the process stops has failed', async () => {
  const steps = new InFlightSteps(new AbortController().signal, log);
  await assert.rejects(
    steps.run(async () => {
      throw new Error('full disk');
    }),
    /full disk/,
  );
  assert.equal(await steps.run(async () => 1), 1);
});

test('a step that the database was away from is done again, and has not failed', async () => {
  const steps = new InFlightSteps(new AbortController().signal, log);
  let times = 0;
  const step = steps.run(async () => {
    if (++times < 3) throw Object.assign(new Error('write'), { code: 'CONNECTION_CLOSED' });
    return times;
  });
  assert.equal(await step, 3);
});

test('a step that the stop breaks off comes to no end, but what it removes is waited for', async () => {
  const stop = new AbortController();
  const steps = new InFlightSteps(stop.signal, log);
  let removed = false;
  const step = steps.run(async () => {
    try {
      await sleep(60_000, undefined, { signal: stop.signal });
    } finally {
      await sleep(50);
      removed = true;
    }
  });
  stop.abort();
  await steps.settled();
  assert.ok(removed);
  assert.equal(await Promise.race([step.then(() => 'ended'), sleep(20, 'open')]), 'open');
});

test('a step that waits for the database when the process stops is not tried again', async () => {
  const stop = new AbortController();
  const steps = new InFlightSteps(stop.signal, log);
  let times = 0;
  const step = steps.run(async () => {
    times++;
    throw Object.assign(new Error('write'), { code: 'CONNECTION_CLOSED' });
  });
  await sleep(10);
  stop.abort();
  assert.equal(await Promise.race([step.then(() => 'ended'), sleep(300, 'open')]), 'open');
  assert.equal(times, 1);
});

test('a stop without steps waits for nothing, nor for those that have ended', async () => {
  const steps = new InFlightSteps(new AbortController().signal, log);
  const begun = performance.now();
  await steps.settled();
  await steps.run(async () => {});
  await steps.settled();
  assert.ok(performance.now() - begun < 2000, 'less than the time that cleanup gets');
});

test('a stop waits three seconds at most for steps that do not end', async () => {
  const stop = new AbortController();
  const steps = new InFlightSteps(stop.signal, log);
  void steps.run(() => new Promise(() => {}));
  stop.abort();
  const begun = performance.now();
  const still = sleep(2500, 'waits');
  const settled = steps.settled().then(() => 'settled');
  assert.equal(await Promise.race([settled, still]), 'waits');
  assert.equal(await settled, 'settled');
  assert.ok(performance.now() - begun < 5500);
});

test('a step whose work fails because the process stops has not failed', async () => {
  const stop = new AbortController();
  const steps = new InFlightSteps(stop.signal, log);
  const step = steps.run(async () => {
    await sleep(10);
    stop.abort();
    throw new Error('broken off');
  });
  assert.equal(await Promise.race([step.catch(() => 'failed'), sleep(100, 'open')]), 'open');
});

test('a step that waits for the database is logged as such, once', async () => {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const steps = new InFlightSteps(new AbortController().signal, logger);
  let times = 0;
  await steps.run(async () => {
    if (++times < 3) throw Object.assign(new Error('write'), { code: 'CONNECTION_CLOSED' });
  });
  assert.deepEqual(
    lines.map(({ msg, call }) => [msg, call]),
    [['waiting for the database', 'step']],
  );
});
