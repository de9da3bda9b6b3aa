import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixedSegments } from './fixed.ts';

test('segments have exactly the requested length, and a shorter last one is kept', () => {
  assert.deepEqual(fixedSegments({ startSec: 0, endSec: 12 }, 5), [
    { startSec: 0, endSec: 5 },
    { startSec: 5, endSec: 10 },
    { startSec: 10, endSec: 12 },
  ]);
});

test('a tail under half a second joins the segment before it, one of half a second does not', () => {
  assert.deepEqual(fixedSegments({ startSec: 0, endSec: 12.49 }, 6).at(-1), { startSec: 6, endSec: 12.49 });
  assert.deepEqual(fixedSegments({ startSec: 0, endSec: 12.5 }, 6).at(-1), { startSec: 12, endSec: 12.5 });
});

test('a range shorter than one segment gives one, even under half a second', () => {
  assert.deepEqual(fixedSegments({ startSec: 2, endSec: 2.3 }, 6), [{ startSec: 2, endSec: 2.3 }]);
});

test('edges do not drift over four hours, and times are absolute', () => {
  const segments = fixedSegments({ startSec: 0.1, endSec: 4 * 3600 + 0.1 }, 1);
  assert.equal(segments.length, 4 * 3600);
  segments.forEach((segment, i) => {
    assert.equal(segment.startSec, (i * 10 + 1) / 10);
    assert.equal(segment.endSec, (i * 10 + 11) / 10);
  });
});

test('an empty range and a length of 0 are refused', () => {
  assert.throws(() => fixedSegments({ startSec: 3, endSec: 3 }, 6), RangeError);
  assert.throws(() => fixedSegments({ startSec: 0, endSec: 3 }, 0), RangeError);
});
