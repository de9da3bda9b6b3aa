import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeRangeSet } from './time-range-set.ts';

function made(maxGapSec: number, ...pairs: readonly (readonly [number, number])[]): TimeRangeSet {
  const ranges = new TimeRangeSet(maxGapSec);
  for (const [startSec, endSec] of pairs) ranges.add({ startSec, endSec });
  return ranges;
}

const pairs = (ranges: TimeRangeSet) => ranges.list.map(({ startSec, endSec }) => [startSec, endSec]);

test('ranges merge across short gaps, in any order', () => {
  assert.deepEqual(pairs(made(10, [0, 1], [1, 2], [5, 6], [16, 17], [25, 26])), [
    [0, 6],
    [16, 26],
  ]);
  assert.deepEqual(pairs(made(10, [25, 26], [0, 1], [16, 17], [1, 2], [5, 6])), [
    [0, 6],
    [16, 26],
  ]);
  assert.deepEqual(pairs(made(10, [0, 1], [40, 41], [20, 21], [10.5, 31])), [[0, 41]]);
  assert.deepEqual(pairs(made(1, [0, 9], [2, 3])), [[0, 9]]);
});

test('the length is that of the intersection with the range', () => {
  const ranges = made(1, [0, 4], [10, 20]);
  assert.equal(ranges.lengthIn({ startSec: 2, endSec: 12 }), 4);
  assert.equal(ranges.lengthIn({ startSec: 5, endSec: 9 }), 0);
});
