import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StallDetector } from './stall-detector.ts';

const ALLOWED_MS = 1000;
const CHECK_INTERVAL_MS = 100;

/** Checks a process with constant shares of time on a core and waiting for one, until there is a verdict. */
function judge(share: { worked: number; waited: number } | undefined, { progressAtMs = -1 } = {}) {
  const detector = new StallDetector(ALLOWED_MS, 0);
  for (let ms = CHECK_INTERVAL_MS; ms < 100 * ALLOWED_MS; ms += CHECK_INTERVAL_MS) {
    if (ms === progressAtMs) detector.reset(ms);
    const verdict = detector.check(ms, share && { workedMs: ms * share.worked, waitedMs: ms * share.waited });
    if (verdict) return { verdict, ms };
  }
  return undefined;
}

test('a process on a core without progress has hung', () => {
  assert.deepEqual(judge({ worked: 1, waited: 0 }), { verdict: 'hung', ms: 1000 });
});

test('a frozen or waiting process has stalled', () => {
  assert.deepEqual(judge({ worked: 0, waited: 0 }), { verdict: 'stalled', ms: 1000 });
});

test('time without a core does not count, and a process that gets one at times can hang', () => {
  const { verdict, ms } = judge({ worked: 0.25, waited: 0.75 })!;
  assert.equal(verdict, 'hung');
  assert.ok(ms >= 3500 && ms <= 4500, `${ms}`);
});

test('a process that never gets a core has stalled after ten timeouts', () => {
  assert.deepEqual(judge({ worked: 0, waited: 1 }), { verdict: 'stalled', ms: 10_000 });
});

test('without CPU statistics a process has stalled, not hung', () => {
  assert.deepEqual(judge(undefined), { verdict: 'stalled', ms: 1000 });
});

test('progress restarts the count', () => {
  assert.deepEqual(judge({ worked: 1, waited: 0 }, { progressAtMs: 900 }), { verdict: 'hung', ms: 1900 });
});

test('time without checks does not count', () => {
  const detector = new StallDetector(ALLOWED_MS, 0);
  assert.equal(detector.check(CHECK_INTERVAL_MS, undefined), undefined);
  assert.equal(detector.check(60 * ALLOWED_MS, undefined), undefined, 'the supervisor itself was frozen');
});
