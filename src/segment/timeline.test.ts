import assert from 'node:assert/strict';
import { test } from 'node:test';
import { even, picture, scene } from '../../test/support/shot-pictures.ts';
import { NO_CHANGE } from './change.ts';
import { RULES } from './rules.ts';
import { Signature } from './signature.ts';
import { Timeline } from './timeline.ts';

/** A timeline of even pictures, each a step brighter, two a second. */
function timelineOf(count: number): Timeline {
  const timeline = new Timeline(RULES);
  for (let i = 0; i < count; i++) timeline.append(new Signature(picture(even(i), i / 2), i / 2));
  return timeline;
}

test('pictures are numbered from 0', () => {
  const timeline = timelineOf(5);
  assert.deepEqual([timeline.first, timeline.end], [0, 5]);
  assert.deepEqual([timeline.at(3).mean, timeline.clockSec(3)], [3, 1.5]);
});

test('the picture shown at a time is the last one that is not later', () => {
  const timeline = timelineOf(5);
  const shown = (sec: number) => timeline.shownAt(sec).mean;
  assert.deepEqual([shown(0), shown(0.49), shown(0.5), shown(1.2), shown(2), shown(60)], [0, 0, 1, 2, 4, 4]);
  assert.equal(shown(-1), 0);
});

test('changes are those from the picture before', () => {
  const timeline = new Timeline(RULES);
  for (const [i, pixels] of [scene(1), scene(1), scene(2)].entries())
    timeline.append(new Signature(picture(pixels, i), i));
  assert.equal(timeline.change(0), NO_CHANGE);
  assert.equal(timeline.change(1).size, 0);
  assert.ok(timeline.change(2).size > 40);
  assert.deepEqual([timeline.coarseDifference(0), timeline.coarseDifference(1)], [0, 0]);
  assert.ok(timeline.coarseDifference(2) > 20);
  assert.equal(timeline.change(3), NO_CHANGE);
  assert.deepEqual([timeline.coarseDifference(3), timeline.coarseDifference(-1)], [0, 0]);
});

test('64 pictures or more are dropped at a time', () => {
  const timeline = timelineOf(100);
  timeline.discardBefore(63);
  assert.equal(timeline.first, 0);
  timeline.discardBefore(64);
  assert.deepEqual([timeline.first, timeline.end], [64, 100]);
  assert.deepEqual([timeline.at(64).mean, timeline.at(99).mean, timeline.shownAt(0).mean], [64, 99, 64]);
  assert.equal(timeline.change(63), NO_CHANGE);
  assert.equal(timeline.coarseDifference(63), 0);
  assert.equal(timeline.coarseDifference(64), 1);
});

test('a crop covers all pictures held', () => {
  const timeline = timelineOf(3);
  const area = { top: 2, bottom: 16, left: 0, right: 32 };
  timeline.crop(area);
  for (const frame of [0, 1, 2]) assert.equal(timeline.at(frame).area, area);
});
