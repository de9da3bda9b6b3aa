import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StallDetector } from './stall-detector.ts';

const ALLOWED_MS = 1000;
const CHECK_INTERVAL_MS = 100;

/** Checks a process with constant shares of time on a core and waiting for one, until there is a verdict. */
function judge(share: { worked: number; waited: number } | undefined, { signOfLifeAt = -1 } = {}) {
  const detector = new StallDetector(ALLOWED_MS, 0);
  for (let ms = CHECK_INTERVAL_MS; ms < 100 * ALLOWED_MS; ms += CHECK_INTERVAL_MS) {
    if (ms === signOfLifeAt) detector.reset(ms);
    const verdict = detector.check(ms, share && { workedMs: ms * share.worked, waitedMs: ms * share.waited });
    if (verdict) return { verdict, ms };
  }
  return undefined;
}

test('who works all the while and gets nowhere has hung', () => {
  assert.deepEqual(judge({ worked: 1, waited: 0 }), { verdict: 'hung', ms: 1000 });
});

test('who is frozen, or waits for something, has stalled', () => {
  assert.deepEqual(judge({ worked: 0, waited: 0 }), { verdict: 'stalled', ms: 1000 });
});

test('who gets a core now and then has its time when it had one, and can have hung all the same', () => {
  const { verdict, ms } = judge({ worked: 0.25, waited: 0.75 })!;
  assert.equal(verdict, 'hung');
  assert.ok(ms >= 3500 && ms <= 4500, `${ms}`);
});

test('who gets no core at all is given up in the end', () => {
  assert.deepEqual(judge({ worked: 0, waited: 1 }), { verdict: 'stalled', ms: 10_000 });
});

test('where nobody tells what a process does, it is not said to have hung', () => {
  assert.deepEqual(judge(undefined), { verdict: 'stalled', ms: 1000 });
});

test('a sign of life starts the count anew', () => {
  assert.deepEqual(judge({ worked: 1, waited: 0 }, { signOfLifeAt: 900 }), { verdict: 'hung', ms: 1900 });
});

test('time in which nobody looked does not count', () => {
  const detector = new StallDetector(ALLOWED_MS, 0);
  assert.equal(detector.check(CHECK_INTERVAL_MS, undefined), undefined);
  assert.equal(detector.check(60 * ALLOWED_MS, undefined), undefined, 'the one who looks was frozen itself');
});
