import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVideoTask, finishTask, headers, retrieveTask, TASKS } from '../../../test/support/api-tasks.ts';
import { openTestApp } from '../../../test/support/app.ts';

test('delete removes the row and all blobs of the task, and no neighbour', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  const neighbour = await createVideoTask(t);
  await finishTask(t, id);
  await finishTask(t, neighbour);
  const response = await t.app.inject({ method: 'DELETE', url: `${TASKS}/${id}`, headers });
  assert.deepEqual([response.statusCode, response.body], [204, '']);
  assert.deepEqual(await Array.fromAsync(t.blobs.list(`tasks/${id}/`), ({ key }) => key), []);
  assert.equal((await retrieveTask(t, id)).statusCode, 404);
  assert.equal((await t.app.inject({ method: 'DELETE', url: `${TASKS}/${id}`, headers })).statusCode, 404);
  assert.equal((await retrieveTask(t, neighbour)).json().data.length, 3);
});
