import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Db, openDatabase } from '../database/open.ts';
import { startedRows } from './rows-with-runs.ts';

const TIMES = { created_at: '2026-01-01T00:00:00.000Z', updated_at: '2026-01-01T00:00:00.000Z' };

async function open(t: TestContext): Promise<Db> {
  const db = await openDatabase(':memory:');
  t.after(() => db.destroy());
  return db;
}

async function insertAsset(
  db: Db,
  id: string,
  { status = 'processing', runId }: { status?: 'processing' | 'ready' | 'failed'; runId: string | null },
): Promise<void> {
  const asset = { owner: 'me', method: 'direct' as const, filename: 'film.mp4' };
  await db
    .insertInto('assets')
    .values({ ...asset, ...TIMES, id, status, run_id: runId })
    .execute();
}

async function insertTask(db: Db, id: string, status: 'processing' | 'ready'): Promise<void> {
  const task = { owner: 'me', input_type: 'video' as const, model_name: 'm', bundle: 'b', request: '{}', stage: 's' };
  await db
    .insertInto('tasks')
    .values({ ...task, ...TIMES, id, status, run_id: `run of ${id}` })
    .execute();
}

test('unfinished rows with a run are listed in pages, sorted by run', async (t) => {
  const db = await open(t);
  await insertAsset(db, 'second', { runId: 'run-2' });
  await insertAsset(db, 'first', { runId: 'run-3' });
  await insertAsset(db, 'third', { runId: 'run-1' });
  await insertAsset(db, 'unstarted', { runId: null });
  await insertAsset(db, 'ready', { status: 'ready', runId: 'run-0' });
  await insertAsset(db, 'failed', { status: 'failed', runId: 'run-4' });
  const page = (after: string, limit: number) => startedRows(db, 'assets', { after, limit });
  assert.deepEqual(await page('', 2), [
    { id: 'third', runId: 'run-1' },
    { id: 'second', runId: 'run-2' },
  ]);
  assert.deepEqual(await page('run-2', 2), [{ id: 'first', runId: 'run-3' }]);
  assert.deepEqual(await page('run-3', 2), []);
});

test('tasks that are processing and deliveries that are pending are unfinished', async (t) => {
  const db = await open(t);
  await insertTask(db, 'begun', 'processing');
  await insertTask(db, 'over', 'ready');
  const delivery = { task_id: 'over', type: 'ready', url: 'https://example.com', body: '{}', ...TIMES };
  for (const status of ['pending', 'delivered', 'failed'] as const)
    await db
      .insertInto('webhook_deliveries')
      .values({ ...delivery, id: status, status, run_id: `run of ${status}` })
      .execute();
  const all = { after: '', limit: 10 };
  assert.deepEqual(await startedRows(db, 'tasks', all), [{ id: 'begun', runId: 'run of begun' }]);
  assert.deepEqual(await startedRows(db, 'webhook_deliveries', all), [{ id: 'pending', runId: 'run of pending' }]);
});
