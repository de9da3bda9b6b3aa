import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runId, toStatus } from './job-store.ts';

test('the statuses of OpenWorkflow are those of reelvec, its older name for completed included', () => {
  const known = ['pending', 'running', 'sleeping', 'completed', 'succeeded', 'failed', 'canceled'];
  assert.deepEqual(known.map(toStatus), [
    ...['unfinished', 'unfinished', 'unfinished', 'completed', 'completed', 'failed', 'failed'],
  ]);
});

test('the id of a run names its workflow and key, so that two nodes cannot insert it twice', () => {
  assert.equal(runId({ workflow: 'embed', key: 'task-1' }), 'embed/task-1');
});
