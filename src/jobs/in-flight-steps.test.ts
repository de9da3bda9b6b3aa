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
