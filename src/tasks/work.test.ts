import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { embedded, openTaskWork } from '../../test/support/task-work.ts';
import { ReelvecError } from '../errors.ts';
import { resultKey, sourceKey } from './work.ts';

test('a task goes from its source to a result, and removes intermediate blobs', async () => {
  await using t = await openTaskWork();
  const id = await t.create();
  const source = await t.work.fetch(id);
  assert.equal(source, sourceKey(id));
  const plan = await t.work.plan(id, source!);
  assert.deepEqual(plan, { chunks: 1, options: ['visual'], warnings: [], bundle: 'signal@1' });
  assert.deepEqual(t.charged, [{ id, owner: 'me', mediaSec: 20.5 }]);
  assert.partialDeepStrictEqual(await t.tasks.get(id), { stage: 'embedding', range: { startSec: 0, endSec: 20.5 } });
  let wasWritten: boolean | undefined;
  t.answers.embed = async ({ onProgress }) => {
    onProgress?.(6, [embedded.segments[0]!]);
    return embedded;
  };
  const onEmbedded = () => {
    wasWritten = t.keys().some((key) => key.includes('/chunks/'));
  };
  const report = await t.work.embed({ taskId: id, number: 0, options: ['visual'] }, { onEmbedded });
  assert.equal(wasWritten, false, 'the worker is free before the block is written');
  assert.ok(
    t.keys().some((key) => key.includes('/chunks/')),
    'the block is stored when the step ends',
  );
  assert.partialDeepStrictEqual(report, { segments: 2, lengthSec: 12, rows: { visual: 2 } });
  assert.deepEqual(t.jobs, [
    { kind: 'probe', path: sourceKey(id) },
    {
      kind: 'embed',
      path: sourceKey(id),
      range: { startSec: 0, endSec: 20.5 },
      options: ['visual'],
      segmentation: { strategy: 'fixed', durationSec: 6 },
    },
  ]);
  assert.deepEqual(await t.tasks.embeddedSegments(id), [embedded.segments]);
  assert.equal(await t.tasks.progress(id), 1);
  await t.work.finish(id, { ...plan!, warnings: ['from the plan'] }, [report!]);
  const task = await t.tasks.get(id);
  assert.deepEqual([task?.status, task?.stage, task?.warnings], ['ready', 'finalizing', ['from the plan']]);
  assert.deepEqual(t.keys(), [resultKey(id)]);
  const bytes = await buffer(t.blobs.read(resultKey(id)));
  assert.ok(bytes.includes('signal@1') && bytes.includes(id));
});

test('a fault of the media fails the task, is logged with its cause, and removes the blobs', async () => {
  await using t = await openTaskWork();
  const id = await t.create();
  t.answers.probe = () =>
    Promise.reject(new ReelvecError('video_file_broken', 'It is broken.', { cause: new Error('no moov atom') }));
  assert.equal(await t.work.plan(id, sourceKey(id)), null);
  assert.deepEqual((await t.tasks.get(id))?.error, { code: 'video_file_broken', message: 'It is broken.' });
  assert.deepEqual(t.keys(), []);
  const line = t.log.find(({ msg }) => msg === 'task failed');
  assert.partialDeepStrictEqual(line, { taskId: id, code: 'video_file_broken', reason: 'It is broken.' });
  assert.match(String(line?.['cause']), /no moov atom/);
  assert.equal(await t.work.plan(id, sourceKey(id)), null, 'an ended task runs no step');
  assert.equal(t.jobs.length, 1);
});

test('errors about audio have audio_ codes', async () => {
  await using t = await openTaskWork();
  const id = await t.create(undefined, { inputType: 'audio' });
  t.answers.probe = () => Promise.reject(new ReelvecError('video_file_broken', 'It is broken.'));
  await t.work.plan(id, sourceKey(id));
  assert.equal((await t.tasks.get(id))?.error?.code, 'audio_file_broken');
});

test('a server fault is rethrown for a retry: the task does not fail and keeps its source', async () => {
  await using t = await openTaskWork();
  const id = await t.create();
  for (const fault of [new Error('disk full'), new ReelvecError('service_unavailable', 'No worker starts.')]) {
    t.answers.probe = () => Promise.reject(fault);
    await assert.rejects(t.work.plan(id, sourceKey(id)), fault);
    assert.equal((await t.tasks.get(id))?.status, 'processing');
  }
  assert.deepEqual(t.keys(), [sourceKey(id)]);
  assert.equal(t.log.filter(({ msg }) => msg === 'task step failed').length, 2);
});

test('deleting a task frees its worker and removes its blobs', async () => {
  await using t = await openTaskWork();
  const id = await t.create();
  t.answers.embed = ({ signal }) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
  await t.tasks.setPlan(id, [{ startSec: 0, endSec: 12 }]);
  const embedding = t.work.embed({ taskId: id, number: 0, options: ['visual'] }, { onEmbedded: () => {} });
  while (t.jobs.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await t.tasks.delete(id, 'me');
  assert.equal(await embedding, null);
  assert.deepEqual(t.keys(), []);
  assert.deepEqual(t.log, []);
});

test('a step aborted by the shutdown neither ends nor fails', async () => {
  await using t = await openTaskWork();
  const id = await t.create();
  t.answers.probe = async () => {
    t.stop.abort(new Error('stopping'));
    throw new ReelvecError('video_file_broken', 'The worker was killed.');
  };
  const step = t.work.plan(id, sourceKey(id)).then(
    () => 'ended',
    () => 'failed',
  );
  const pause = new Promise((resolve) => setTimeout(resolve, 50, 'open'));
  assert.equal(await Promise.race([step, pause]), 'open');
  assert.equal((await t.tasks.get(id))?.status, 'processing');
});

test('a task of another bundle fails', async () => {
  await using t = await openTaskWork();
  const id = await t.create();
  await t.db.updateTable('tasks').set({ bundle: 'signal@0' }).where('id', '=', id).execute();
  await t.tasks.setPlan(id, [{ startSec: 0, endSec: 12 }]);
  assert.equal(await t.work.embed({ taskId: id, number: 0, options: ['visual'] }, { onEmbedded: () => {} }), null);
  assert.equal((await t.tasks.get(id))?.error?.code, 'conflict');
  assert.deepEqual(t.jobs, []);
});

test('a step awaits the quota and the end that it writes, and rejects with their errors', async () => {
  await using t = await openTaskWork();
  const id = await t.create();
  t.charge = () => Promise.reject(new ReelvecError('too_many_requests', 'No minutes are left.'));
  assert.equal(await t.work.plan(id, sourceKey(id)), null);
  assert.equal((await t.tasks.get(id))?.error?.code, 'too_many_requests');
  const other = await t.create();
  t.charge = async () => {};
  const plan = await t.work.plan(other, sourceKey(other));
  const report = await t.work.embed({ taskId: other, number: 0, options: ['visual'] }, { onEmbedded: () => {} });
  t.tasks.setReady = () => Promise.reject(new Error('no database'));
  await assert.rejects(t.work.finish(other, plan!, [report!]), /no database/);
  assert.ok(t.keys().includes(sourceKey(other)), 'nothing is tidied away');
});
