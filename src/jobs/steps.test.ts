import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Steps } from './steps.ts';

test('a step that fails before the process stops has failed', async () => {
  const steps = new Steps(new AbortController().signal);
  await assert.rejects(
    steps.run(async () => {
      throw new Error('full disk');
    }),
    /full disk/,
  );
  assert.equal(await steps.run(async () => 1), 1);
});

test('a step that the stop breaks off comes to no end, but what it removes is waited for', async () => {
  const stop = new AbortController();
  const steps = new Steps(stop.signal);
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
