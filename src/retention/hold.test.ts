import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from '../database/open.ts';
import { isHeld } from './hold.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

test('after more than a day without a sweep nothing expires for one more day', async () => {
  await using db = await openDatabase(':memory:');
  const at = (days: number) => isHeld(db, Date.UTC(2030, 0, 1) + days * DAY_MS);
  assert.equal(await at(0), false, 'nothing is recorded yet');
  assert.equal(await at(1), false);
  assert.equal(await at(2.5), true);
  assert.equal(await at(3.4), true);
  assert.equal(await at(3.6), false);
  assert.equal(await at(4), false);
  // Off for a week, on for an hour, off for two days: the hour is no day.
  assert.equal(await at(11), true);
  assert.equal(await at(11.04), true);
  assert.equal(await at(13), true);
  assert.equal(await at(13.9), true);
  assert.equal(await at(14), false);
});

test('a clock that was years ahead and is put right holds nothing longer than a day', async () => {
  await using db = await openDatabase(':memory:');
  const start = Date.UTC(2030, 0, 1);
  assert.equal(await isHeld(db, start), false);
  assert.equal(await isHeld(db, start + 3650 * DAY_MS), true);
  assert.equal(await isHeld(db, start + HOUR_MS), true);
  assert.equal(await isHeld(db, start + 24 * HOUR_MS), true);
  assert.equal(await isHeld(db, start + 26 * HOUR_MS), false);
});
