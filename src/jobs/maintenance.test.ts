import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { openDatabase } from '../database/open.ts';
import { type MaintenanceJob, startMaintenance } from './maintenance.ts';

/** Maintenance every second with a faked clock. `ran` has the names of the jobs that were executed. */
async function setUp(t: TestContext, jobs: readonly Partial<MaintenanceJob>[]) {
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const db = await openDatabase(':memory:');
  t.after(() => db.destroy());
  const lines: Record<string, unknown>[] = [];
  const ran: string[] = [];
  const clock = { isHeld: false };
  const stop = await startMaintenance({
    db,
    jobs: jobs.map(({ name = '', deletesByAge, run }) => ({
      name,
      deletesByAge,
      run: async () => {
        ran.push(name);
        await run?.();
      },
    })),
    isHeld: async () => clock.isHeld,
    intervalMs: 1000,
    minIntervalMs: 0,
    log: pino({ level: 'error' }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
  });
  const nextRound = async () => {
    ran.length = 0;
    mock.timers.tick(1000);
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    return [...ran];
  };
  return { ran, lines, clock, stop, nextRound };
}

test('a round runs the jobs in order: at the start, at each interval, until it is stopped', async (t) => {
  const { ran, stop, nextRound } = await setUp(t, [{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
  assert.deepEqual(ran, ['a', 'b', 'c']);
  assert.deepEqual(await nextRound(), ['a', 'b', 'c']);
  stop();
  assert.deepEqual(await nextRound(), []);
});

test('while the clock cannot be trusted, jobs that delete by age are skipped', async (t) => {
  const { clock, nextRound } = await setUp(t, [{ name: 'a', deletesByAge: true }, { name: 'b' }]);
  clock.isHeld = true;
  assert.deepEqual(await nextRound(), ['b']);
  clock.isHeld = false;
  assert.deepEqual(await nextRound(), ['a', 'b']);
});

test('a failed job is logged by name, and the next round tries again', async (t) => {
  let isBroken = true;
  const fails = async () => {
    if (isBroken) throw new Error('disk full');
  };
  const { ran, lines, nextRound } = await setUp(t, [{ name: 'a' }, { name: 'b', run: fails }, { name: 'c' }]);
  assert.deepEqual(ran, ['a', 'b']);
  assert.equal(lines.length, 1);
  assert.deepEqual([lines[0]?.['msg'], lines[0]?.['job']], ['maintenance failed', 'b']);
  isBroken = false;
  assert.deepEqual(await nextRound(), ['a', 'b', 'c']);
});
