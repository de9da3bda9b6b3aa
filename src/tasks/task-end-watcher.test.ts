import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TaskEndWatcher } from './task-end-watcher.ts';

const POLL_MS = 250;
const turns = () => new Promise((resolve) => setImmediate(resolve));

/** A watcher over tasks of which these are unfinished, with the ids of each poll. */
function watcher(t: TestContext, unfinished: string[]) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const polls: string[][] = [];
  const made = new TaskEndWatcher({
    unfinished: async (ids) => {
      polls.push([...ids]);
      if (unfinished.includes('no database')) throw new Error('no database');
      return ids.filter((id) => unfinished.includes(id));
    },
  });
  const poll = async () => {
    t.mock.timers.tick(POLL_MS);
    await turns();
  };
  return { made, polls, poll };
}

test('all work on an ended task is aborted, and other work continues', async (t) => {
  const { made, polls } = watcher(t, ['goes on']);
  const ended = [made.watch('ended'), made.watch('ended')];
  const other = made.watch('goes on');
  t.mock.timers.tick(POLL_MS - 1);
  await turns();
  assert.deepEqual(polls, []);
  t.mock.timers.tick(1);
  await turns();
  assert.deepEqual(polls, [['ended', 'goes on']]);
  assert.deepEqual(
    [...ended, other].map(({ signal }) => signal.aborted),
    [true, true, false],
  );
});

test('polling starts with the first watch and stops with the last', async (t) => {
  const unfinished = ['a'];
  const { made, polls, poll } = watcher(t, unfinished);
  const first = made.watch('a');
  const second = made.watch('a');
  await poll();
  first[Symbol.dispose]();
  await poll();
  assert.deepEqual(polls, [['a'], ['a']]);
  assert.equal(second.signal.aborted, false);
  second[Symbol.dispose]();
  await poll();
  await poll();
  assert.equal(polls.length, 2, 'nothing was left to watch');
  const third = made.watch('a');
  unfinished.pop();
  await poll();
  assert.equal(third.signal.aborted, true);
  assert.equal(first.signal.aborted, false, 'was no longer watched');
});

test('disposing of an old watch keeps a newer one of the same task', async (t) => {
  const { made, poll } = watcher(t, []);
  const old = made.watch('a');
  old[Symbol.dispose]();
  const fresh = made.watch('a');
  old[Symbol.dispose]();
  await poll();
  assert.equal(fresh.signal.aborted, true);
});

test('work continues while the database is unavailable', async (t) => {
  const unfinished = ['no database'];
  const { made, polls, poll } = watcher(t, unfinished);
  const { signal } = made.watch('a');
  await poll();
  assert.equal(signal.aborted, false);
  unfinished.pop();
  await poll();
  assert.equal(polls.length, 2);
  assert.equal(signal.aborted, true);
});
