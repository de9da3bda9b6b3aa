import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { even, mix, type Pixels, picture, scene, times, width } from '../../test/support/shot-pictures.ts';
import { FrameGrid, gradualAt } from './gradual.ts';
import { RULES } from './rules.ts';
import { Signature } from './signature.ts';
import { Timeline } from './timeline.ts';

const progress = (i: number, from: number, to: number) => Math.min(1, Math.max(0, (i - from) / (to - from)));
const wiped = (share: number): Pixels =>
  scene(1).map((value, k) => (Math.floor(k / 3) % width < share * width ? scene(2)[k]! : value));

/** Timeline and grid of a film of 24 pictures a second. */
function held(film: readonly Pixels[]): { timeline: Timeline; grid: FrameGrid } {
  const [timeline, grid] = [new Timeline(RULES), new FrameGrid(RULES.gradual.gridSec)];
  film.forEach((pixels, i) => {
    timeline.append(new Signature(picture(pixels, i / 24), i / 24));
    grid.offer(i, i / 24);
  });
  return { timeline, grid };
}

/** Best window around each picture of the grid: its middle, start, boundary and end, and its score. */
function windows(film: readonly Pixels[], isBroken: (from: number, to: number) => boolean = () => false) {
  const { timeline, grid } = held(film);
  return grid.frames.flatMap((middle, place) => {
    const found = gradualAt(timeline, grid, place, isBroken, 0);
    return found
      ? [[middle, found.startFrame, found.frame, found.endFrame, Math.round(found.score * 1000) / 1000]]
      : [];
  });
}

describe('the grid', () => {
  test('takes the first picture of each interval', () => {
    const grid = new FrameGrid(0.1);
    [0, 0.04, 0.08, 0.0996, 0.15, 0.1999, 0.5, 0.59].forEach((sec, frame) => {
      grid.offer(frame, sec);
    });
    assert.deepEqual(grid.frames, [0, 3, 5, 6]);
  });

  test('counts the pictures that it drops', () => {
    const grid = new FrameGrid(0.1);
    for (let frame = 0; frame < 6; frame++) grid.offer(2 * frame, frame);
    assert.equal(grid.discardBefore(5), 3);
    assert.deepEqual([grid.frames, grid.dropped], [[6, 8, 10], 3]);
    assert.equal(grid.discardBefore(5), 0);
    assert.equal(grid.discardBefore(99), 3);
    assert.equal(grid.dropped, 6);
  });
});

test('scores of a dissolve are highest in its middle, with the whole of it', () => {
  const dissolve = times(90, (i) => mix(scene(1, i / 8), scene(2), progress(i, 34, 54)));
  assert.deepEqual(windows(dissolve), [
    [24, 5, 26, 47, 0.123],
    [32, 21, 34, 47, 0.1],
    [36, 18, 35, 52, 0.859],
    [38, 35, 39, 43, 0.059],
    [40, 30, 41, 52, 1.387],
    [42, 38, 42, 47, 1.418],
    [44, 36, 44, 52, 1.805],
    [46, 42, 46, 51, 1.576],
    [48, 40, 46, 53, 1.439],
    [50, 45, 49, 53, 0.05],
    [52, 44, 48, 53, 0.096],
    [56, 42, 47, 53, 0.08],
    [60, 38, 45, 52, 0.071],
  ]);
});

test('scores of a wipe are above the threshold in long windows alone', () => {
  assert.deepEqual(windows(times(90, (i) => wiped(progress(i, 34, 54)))), [
    [36, 36, 44, 52, 1.636],
    [40, 36, 44, 52, 1.609],
    [44, 36, 44, 52, 2.055],
    [48, 36, 44, 52, 1.636],
    [60, 39, 46, 53, 1.563],
  ]);
});

test('scores of a pan stay low', () => {
  const pan = windows(times(60, (i) => scene(1, i)));
  assert.equal(pan.length, 26);
  assert.deepEqual(pan[0], [4, 1, 4, 8, 0.081]);
  assert.ok(pan.every(([, , , , score]) => score! < 0.14));
});

test('no window reaches over a break or beyond the film', () => {
  const film = times(90, (i) => wiped(progress(i, 34, 54)));
  assert.deepEqual(
    windows(film, (from, to) => from < 44 && to >= 44),
    [],
  );
  assert.deepEqual(windows(film.slice(0, 40)), []);
});

test('only windows of at least the least score are returned', () => {
  const { timeline, grid } = held(times(90, (i) => wiped(progress(i, 34, 54))));
  const at = (minScore?: number) => gradualAt(timeline, grid, grid.frames.indexOf(44), () => false, minScore);
  assert.equal(at()!.score, at(0)!.score);
  assert.ok(Math.abs(at()!.strength - 17.394) < 0.001);
  assert.equal(at(2.1), undefined);
});

test('a window that is moved by a quarter of its length is tried at the same places after pictures were dropped', () => {
  const film = [...times(80, () => even(100)), ...times(90, (i) => wiped(progress(i, 34, 54)))];
  const { timeline, grid } = held(film);
  const places = () =>
    grid.frames.flatMap((middle, place) => (gradualAt(timeline, grid, place, () => false) ? [middle] : []));
  const all = places().filter((middle) => middle > 105);
  timeline.discardBefore(70);
  grid.discardBefore(timeline.first);
  assert.ok(grid.dropped % 2 === 1 && all.length > 1);
  assert.deepEqual(
    places().filter((middle) => middle > 105),
    all,
  );
});
