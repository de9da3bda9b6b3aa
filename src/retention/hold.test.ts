import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { openDatabase } from '../database/open.ts';
import { isHeld } from './hold.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SILENT = pino({ level: 'silent' });

test('more than a day without a sweep holds expiry for one day', async () => {
  await using db = await openDatabase(':memory:');
  const at = (days: number) => isHeld({ db, log: SILENT }, Date.UTC(2030, 0, 1) + days * DAY_MS);
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

test('a corrected clock that was years ahead holds expiry for at most a day', async () => {
  await using db = await openDatabase(':memory:');
  const start = Date.UTC(2030, 0, 1);
  assert.equal(await isHeld({ db, log: SILENT }, start), false);
  assert.equal(await isHeld({ db, log: SILENT }, start + 3650 * DAY_MS), true);
  assert.equal(await isHeld({ db, log: SILENT }, start + HOUR_MS), true);
  assert.equal(await isHeld({ db, log: SILENT }, start + 24 * HOUR_MS), true);
  assert.equal(await isHeld({ db, log: SILENT }, start + 26 * HOUR_MS), false);
});

test('the start of a hold is logged once', async () => {
  await using db = await openDatabase(':memory:');
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const start = Date.UTC(2030, 0, 1);
  await isHeld({ db, log }, start);
  const back = start + 3 * DAY_MS;
  for (let minutes = 0; minutes <= 24 * 60; minutes += 10) await isHeld({ db, log }, back + minutes * 60_000);
  assert.deepEqual(
    lines.map(({ msg, lastSweep, heldUntil }) => ({ msg, lastSweep, heldUntil })),
    [
      {
        msg: 'expiry held for a day: the clock is more than a day past the last sweep',
        lastSweep: '2030-01-01T00:00:00.000Z',
        heldUntil: '2030-01-05T00:00:00.000Z',
      },
    ],
  );
  assert.equal(await isHeld({ db, log }, back + 5 * DAY_MS), true);
  assert.equal(lines.length, 2, 'another gap is another hold');
});
