import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rangeMicros, toMicros, toSeconds } from './micros.ts';

test('seconds are rounded down to microseconds', () => {
  assert.equal(toMicros(4.004), 4_004_000);
  assert.equal(toMicros(1.0000009), 1_000_000);
  assert.equal(toMicros(0.1 + 0.2), 300_000);
  assert.equal(toSeconds(4_004_000), 4.004);
});

test('a range must end after it starts', () => {
  assert.deepEqual(rangeMicros({ startSec: 1, endSec: 2.5 }), { start: 1_000_000, end: 2_500_000 });
  const message = 'a range must end after it starts: got 2 to 2 s';
  assert.throws(() => rangeMicros({ startSec: 2, endSec: 2 }), { name: 'RangeError', message });
  assert.throws(() => rangeMicros({ startSec: Number.NaN, endSec: 2 }), RangeError);
});
