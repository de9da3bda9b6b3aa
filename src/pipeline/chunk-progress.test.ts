import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkProgress } from './chunk-progress.ts';

const RANGE = { startSec: 10, endSec: 40 };
const ALL = { pictures: true, sound: true, speech: true };
/** Longer than the interval between reports and between heartbeats. */
const REPORT_MS = 600;

test('the slowest track is reported, as seconds of the range', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const reports: number[] = [];
  using progress = new ChunkProgress(RANGE, ALL, (doneSec) => reports.push(doneSec));
  Object.assign(progress, { pictureSec: 30, soundSec: 20, speechSec: 25 });
  t.mock.timers.tick(REPORT_MS);
  progress.soundSec = 35;
  t.mock.timers.tick(REPORT_MS);
  Object.assign(progress, { pictureSec: 50, soundSec: 50, speechSec: 50 });
  t.mock.timers.tick(REPORT_MS);
  assert.deepEqual(reports, [10, 15, 30]);
});

test('a track that is not processed does not delay the progress', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const reports: number[] = [];
  using progress = new ChunkProgress(RANGE, { ...ALL, pictures: false, speech: false }, (doneSec) =>
    reports.push(doneSec),
  );
  progress.soundSec = 12;
  assert.equal(progress.completeSec, 12);
  t.mock.timers.tick(REPORT_MS);
  assert.deepEqual(reports, [2]);
});

test('sound from before the range does not count as progress', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const reports: number[] = [];
  using progress = new ChunkProgress(RANGE, ALL, (doneSec) => reports.push(doneSec));
  progress.speechSec = 4;
  t.mock.timers.tick(REPORT_MS);
  assert.deepEqual(reports, [0]);
});

test('complete segments depend on pictures and sound, not on speech', () => {
  using progress = new ChunkProgress(RANGE, ALL, () => {});
  Object.assign(progress, { pictureSec: 22, soundSec: 24 });
  assert.equal(progress.completeSec, 22);
});
