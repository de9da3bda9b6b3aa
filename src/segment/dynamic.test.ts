import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TimeRange } from '../domain/time-range.ts';
import { DynamicSegmenter, MAX_DURATION_SEC } from './dynamic.ts';

const spans = (segments: TimeRange[]) => segments.map(({ startSec, endSec }) => [startSec, endSec]);

function cut(range: TimeRange, minDurationSec: number, boundaries: number[], maxDurationSec?: number): TimeRange[] {
  const segmenter = new DynamicSegmenter({ range, minDurationSec, maxDurationSec });
  return [...boundaries.flatMap((at) => segmenter.push(at)), ...segmenter.end()];
}

/** Uniform in [0, 1), the same on every run (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('segments follow the shots', () => {
  assert.deepEqual(spans(cut({ startSec: 0, endSec: 12.1 }, 3, [3.2, 7.8])), [
    [0, 3.2],
    [3.2, 7.8],
    [7.8, 12.1],
  ]);
});

test('a boundary too close to the last one is skipped, and a short last shot joins the one before', () => {
  assert.deepEqual(spans(cut({ startSec: 0, endSec: 14 }, 4, [3, 5, 6, 11])), [
    [0, 5],
    [5, 14],
  ]);
});

test('a shot over 10 s is divided into equal parts, also with a short shot that joined it', () => {
  assert.deepEqual(spans(cut({ startSec: 1, endSec: 31 }, 4, [22, 29])), [
    [1, 8],
    [8, 15],
    [15, 22],
    [22, 31],
  ]);
  assert.deepEqual(spans(cut({ startSec: 0, endSec: 12 }, 4, [9])), [
    [0, 6],
    [6, 12],
  ]);
});

test('a range shorter than the minimum is one segment', () => {
  assert.deepEqual(spans(cut({ startSec: 5, endSec: 7 }, 4, [6])), [[5, 7]]);
});

test('the first frame of a shot is never before the edge of its segment', () => {
  for (let frame = 96; frame < 100_000; frame += 97) {
    const timeSec = (frame * 1001) / 24000;
    const segmenter = new DynamicSegmenter({
      range: { startSec: timeSec - 5, endSec: timeSec + 5 },
      minDurationSec: 4,
    });
    const edge = segmenter.push(timeSec)[0]!.endSec;
    assert.ok(edge <= timeSec && timeSec - edge < 1.1e-6);
  }
});

test('an endless shot is divided while it lasts, so that the buffered part stays bounded', () => {
  const segmenter = new DynamicSegmenter({ range: { startSec: 0, endSec: 4 * 3600 }, minDurationSec: 4 });
  for (let sec = 0; sec < 4 * 3600; sec += 0.5) {
    segmenter.advance(sec);
    assert.ok(sec - segmenter.openSec <= 120);
  }
});

test('a maximum below twice the minimum is refused', () => {
  const range = { startSec: 0, endSec: 60 };
  assert.throws(() => new DynamicSegmenter({ range, minDurationSec: 5, maxDurationSec: 9 }), RangeError);
});

test('random boundaries: segments are contiguous, cover the range, keep the limits, and do not depend on advance()', () => {
  const next = random(20);
  for (let round = 0; round < 2000; round += 1) {
    const minDurationSec = 1 + Math.floor(next() * 5);
    const startSec = next() < 0.5 ? 0 : next() * 1000;
    const range = { startSec, endSec: startSec + 0.01 + next() * next() * 700 };
    const boundaries: number[] = [];
    const meanGapSec = 0.2 + next() * next() * 200;
    for (let at = startSec - 3; at < range.endSec + 3; at += next() * 2 * meanGapSec) boundaries.push(at);

    const segments = cut(range, minDurationSec, boundaries);

    assert.ok(Math.abs(segments[0]!.startSec - range.startSec) < 1.1e-6);
    assert.ok(Math.abs(segments.at(-1)!.endSec - range.endSec) < 1.1e-6);
    segments.forEach(({ startSec: from, endSec: to }, i) => {
      if (i > 0) assert.equal(from, segments[i - 1]!.endSec);
      assert.ok(to - from <= MAX_DURATION_SEC + 1e-9);
      if (segments.length > 1) assert.ok(to - from >= minDurationSec - 1e-9);
    });

    // The same boundaries, with random calls of advance() between them.
    const segmenter = new DynamicSegmenter({ range, minDurationSec });
    const streamed: TimeRange[] = [];
    let sec = startSec;
    for (const at of boundaries) {
      for (; sec < at; sec += next() * 30) streamed.push(...segmenter.advance(sec));
      streamed.push(...segmenter.push(at));
    }
    streamed.push(...segmenter.end());
    assert.deepEqual(streamed, segments);
  }
});
