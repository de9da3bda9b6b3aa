import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrackExtent } from './extent.ts';

/** Reads packets of one second each, with these timestamps, in seconds. */
function read(...times: number[]): TrackExtent {
  const extent = new TrackExtent({ timeBase: { num: 1, den: 1 } as never }, 0, 0);
  for (const time of times) extent.read({ pts: BigInt(time), dts: BigInt(time), duration: 1n });
  return extent;
}

test('one absurd timestamp does not count, wherever it is', () => {
  assert.equal(read(20_000, 0, 1, 2, 3).end(), 4);
  assert.equal(read(0, 1, 20_000, 3, 4).end(), 5);
  assert.equal(read(0, 1, 2, 3, 20_000).end(), 5);
  assert.equal(read(0, 1, 2, -20_000, 4).end(), 5);
});

test('packets that a muxer clamped to an absurd time follow their predecessor', () => {
  assert.equal(read(0, 1, 20_000, 20_000, 20_000, 20_000).end(), 6);
});

test('a long gap counts if packets continue after it, or if it is before the last picture', () => {
  assert.equal(read(0, 1, 1000, 1001, 1002).end(), 1003);
  assert.equal(read(0, 1, 300).end(), 301);
  assert.equal(read(0, 100, 250, 400, 550).end(), 551);
});

test('an unconfirmed end is doubtful', () => {
  assert.equal(read(0, 1, 2).isDoubtful, false);
  assert.equal(read(0, 1, 1000).isDoubtful, true);
});
