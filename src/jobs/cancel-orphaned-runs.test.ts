import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelOrphanedRuns } from './cancel-orphaned-runs.ts';
import type { AnyWorkflow } from './engine.ts';

const WORKFLOWS = [{ spec: { name: 'work' } } as AnyWorkflow];

/** Cancels the orphaned of the waiting subjects. @returns the calls, in order */
async function cancelOrphaned(waiting: readonly string[], isNeeded: (subject: string) => boolean) {
  const calls: string[] = [];
  const canceled = await cancelOrphanedRuns({
    engine: {
      async waitingSubjects(workflows, { after, limit }) {
        assert.equal(workflows, WORKFLOWS);
        calls.push(`list after ${after}`);
        return waiting.filter((subject) => subject > after).slice(0, limit);
      },
      async cancel(workflows, subjects) {
        assert.equal(workflows, WORKFLOWS);
        calls.push(`cancel ${subjects.length}`);
        return 2 * subjects.length;
      },
    },
    workflows: WORKFLOWS,
    unfinished: async (subjects) => {
      calls.push(`look up ${subjects.length}`);
      return subjects.filter(isNeeded);
    },
    tidy: async (subject) => {
      await sleep(1);
      calls.push(`tidy ${subject}`);
    },
  });
  return { calls, canceled };
}

test('runs of subjects that are over are canceled once their remains are removed; others stay', async () => {
  const { calls, canceled } = await cancelOrphaned(['a', 'b', 'c'], (subject) => subject === 'b');
  assert.deepEqual(calls, ['list after ', 'look up 3', 'tidy a', 'tidy c', 'cancel 2']);
  assert.equal(canceled, 4, 'runs, not subjects');
});

test('an empty queue costs one query, and one without orphans cancels nothing', async () => {
  assert.deepEqual(await cancelOrphaned([], () => true), { calls: ['list after '], canceled: 0 });
  assert.deepEqual(await cancelOrphaned(['a'], () => true), { calls: ['list after ', 'look up 1'], canceled: 0 });
});

test('a long queue is read in pages of 500', async () => {
  const waiting = Array.from({ length: 1001 }, (_, i) => `subject-${String(i).padStart(4, '0')}`);
  const { calls, canceled } = await cancelOrphaned(waiting, (subject) => subject !== 'subject-1000');
  assert.deepEqual(calls, [
    ...['list after ', 'look up 500', 'list after subject-0499', 'look up 500'],
    ...['list after subject-0999', 'look up 1', 'tidy subject-1000', 'cancel 1'],
  ]);
  assert.equal(canceled, 2);
});
