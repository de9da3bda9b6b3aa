import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ShotList, ShotTrace } from '../../workers/protocol.ts';
import { shotsPlot } from './plot.ts';

const list: ShotList = {
  frameRate: 24,
  frameCount: 48,
  durationSec: 2,
  shots: [
    { startFrame: 0, startSec: 0, endSec: 1, transition: 'start', transitionFrames: [0, 0] },
    { startFrame: 24, startSec: 1, endSec: 2, transition: 'gradual', transitionFrames: [20, 28] },
  ],
};

function trace(frames: number): ShotTrace {
  return {
    timesSec: Float64Array.from({ length: frames }, (_, i) => i / 24),
    change: Float32Array.from({ length: frames }, (_, i) => (i === 24 ? 60 : 1)),
    changeThreshold: new Float32Array(frames).fill(20),
    gradual: new Float32Array(frames),
    gradualThreshold: 1,
    thumbnails: [Uint8Array.of(1, 2, 3), Uint8Array.of(4)],
  };
}

function dataOf(page: string) {
  return JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)![1]!);
}

test('a plot is one page that loads nothing, with the shots, their extents and their pictures', () => {
  const page = shotsPlot('film.mp4', list, trace(48));
  assert.doesNotMatch(page, /\b(src|href)=|https?:|@import/);
  const { shots, change } = dataOf(page);
  assert.deepEqual(shots[1].extentSec, [20 / 24, 28 / 24]);
  assert.deepEqual([...Buffer.from(shots[0].thumbnail, 'base64')], [1, 2, 3]);
  assert.equal(Buffer.from(change, 'base64')[24], 120);
});

test("a film's name cannot end the script", () => {
  const name = 'a</script><script>alert(1)</script>$&.mp4';
  const page = shotsPlot(name, list, trace(48));
  assert.equal(page.split('</script>').length, 3);
  assert.equal(dataOf(page).name, name);
});

test('a long film keeps its peaks in a bounded number of values', () => {
  const { change, framesPerValue } = dataOf(shotsPlot('film.mp4', list, trace(345_600)));
  const values = Buffer.from(change, 'base64');
  assert.ok(values.length <= 100_000);
  assert.equal(values[Math.floor(24 / framesPerValue)], 120);
});
