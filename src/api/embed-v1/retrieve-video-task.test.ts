import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVideoTask, finishTask, headers, setProbed } from '../../../test/support/api-tasks.ts';
import { openTestApp, type TestApp } from '../../../test/support/app.ts';
import { resultKey } from '../../tasks/work.ts';
import { retrievedVideoTask } from './schemas.ts';

async function retrieve({ app }: TestApp, id: string, query = '') {
  const response = await app.inject({ url: `/v1.3/embed/tasks/${id}${query}`, headers });
  return { status: response.statusCode, headers: response.headers, body: response.json() };
}

test('a ready task has its segments under the names of the first version', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  await setProbed(t, id);
  const rows = await finishTask(t, id, ['There is no sound.']);
  const { status, headers: got, body } = await retrieve(t, id);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(got['content-type'], 'application/json; charset=utf-8');
  assert.equal(got['reelvec-bundle'], 'signal@1');
  retrievedVideoTask.strict().parse(body);
  assert.deepEqual([body._id, body.status, body.warnings], [id, 'ready', ['There is no sound.']]);
  const { metadata, segments } = body.video_embedding;
  assert.deepEqual([metadata.duration, metadata.video_embedding_scope], [20.5, ['clip', 'video']]);
  assert.deepEqual(
    segments.map(({ float: _, ...facts }: Record<string, unknown>) => facts),
    [
      { embedding_option: 'visual', embedding_scope: 'clip', start_offset_sec: 2, end_offset_sec: 8 },
      { embedding_option: 'visual', embedding_scope: 'clip', start_offset_sec: 8, end_offset_sec: 14 },
      { embedding_option: 'visual', embedding_scope: 'video', start_offset_sec: 2, end_offset_sec: 20.5 },
    ],
  );
  assert.deepEqual(Float32Array.from(segments[0].float), rows[0]!.embedding);
});

test('segments are chosen by their option, visual also under its older name', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  await setProbed(t, id);
  await finishTask(t, id);
  for (const [query, count] of [
    ['visual', 3],
    ['visual-text', 3],
    ['audio,visual', 3],
    ['audio', 0],
  ] as const) {
    const { body } = await retrieve(t, id, `?embedding_option=${query}`);
    assert.equal(body.video_embedding.segments.length, count, query);
  }
  const wrong = await retrieve(t, id, '?embedding_option=colour');
  assert.deepEqual([wrong.status, wrong.body.details.field], [400, 'embedding_option.0']);
});

test('a lost result whose media was not kept is told', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  await setProbed(t, id);
  await finishTask(t, id);
  await t.blobs.remove(resultKey(id));
  const { status, body } = await retrieve(t, id);
  assert.deepEqual([status, body.code], [404, 'resource_not_exist']);
  assert.match(body.message, /missing from the server's store/);
});

test('the log of a request names its task', async () => {
  await using t = await openTestApp();
  const id = await createVideoTask(t);
  t.log.length = 0;
  await retrieve(t, id);
  await retrieve(t, `${id}/status`);
  const events = t.log.filter(({ msg }) => msg === 'request');
  assert.deepEqual(
    events.map(({ route, taskId }) => [route, taskId]),
    [
      ['/v1.3/embed/tasks/:task_id', id],
      ['/v1.3/embed/tasks/:task_id/status', id],
    ],
  );
});
