import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { insertAsset } from '../src/assets/repository.ts';
import { newId } from '../src/database/ids.ts';
import { type Db, openDatabase } from '../src/database/open.ts';
import { KeyRepository } from '../src/keys/repository.ts';
import { Quotas } from '../src/quotas/quotas.ts';
import { RateLimited } from '../src/quotas/rate-limit.ts';
import { TaskRepository } from '../src/tasks/repository.ts';
import type { TaskRequest } from '../src/tasks/request.ts';
import { NO_POSTGRES, startPostgres, type TestPostgres } from './support/postgres.ts';

const REQUEST = { inputType: 'audio', modelName: 'marengo3.0', source: { kind: 'url', url: 'https://a.test/a' } };

describe('quotas on several nodes with one PostgreSQL', { skip: NO_POSTGRES ?? false }, () => {
  let postgres: TestPostgres;
  let nodes: Db[];
  before(async () => {
    postgres = await startPostgres();
    const url = await postgres.database();
    nodes = [];
    for (let i = 0; i < 3; i++) nodes.push(await openDatabase(url));
  });
  after(async () => {
    for (const db of nodes) await db.destroy();
    await postgres[Symbol.asyncDispose]();
  });

  /** Repeats an operation on all nodes at once. @returns the number of successes, and the errors */
  async function race(times: number, attempt: (db: Db) => Promise<unknown>) {
    const tried = await Promise.allSettled(Array.from({ length: times }, (_, i) => attempt(nodes[i % nodes.length]!)));
    return {
      passed: tried.filter(({ status }) => status === 'fulfilled').length,
      refused: tried.flatMap((one) => (one.status === 'rejected' ? [one.reason] : [])),
    };
  }

  const createTask = (owner: string, mediaSec?: number) => async (db: Db) => {
    const id = newId();
    const quotas = new Quotas(db, { tasks: 4, minutesPerDay: 2 });
    const row = { id, owner, request: REQUEST as unknown as TaskRequest, bundle: 'signal@1' };
    await new TaskRepository(db).create(row, (transaction) => quotas.admitTask(transaction, { id, owner, mediaSec }));
  };

  test('concurrent tasks are limited across nodes', async () => {
    const { passed, refused } = await race(20, createTask('tasks'));
    assert.equal(passed, 4);
    assert.ok(
      refused.every((error) => error instanceof RateLimited),
      String(refused[0]),
    );
  });

  test('minutes per day are limited across nodes', async () => {
    const { passed, refused } = await race(10, createTask('minutes', 50));
    assert.equal(passed, 2);
    assert.ok(
      refused.every((error) => /min of media/.test(error.message)),
      String(refused[0]),
    );
    assert.equal((await new Quotas(nodes[0]!, { minutesPerDay: 2 }).rates('minutes'))[0]?.used, 100);
  });

  test('stored bytes are limited across nodes, and a key may have its own quota', async () => {
    const key = await new KeyRepository(nodes[0]!).create('roomy', { bytes: 5_000_000_000 });
    const store = (owner: string) => (db: Db) =>
      db.transaction().execute(async (transaction) => {
        await insertAsset(transaction, { id: newId(), owner, method: 'direct', filename: 'f', size: 1_000_000_000 });
        await new Quotas(db, { bytes: 3_000_000_000 }).admitBytes(transaction, owner);
      });
    const { passed, refused } = await race(10, store('bytes'));
    assert.equal(passed, 3);
    assert.ok(
      refused.every(({ code }) => code === 'usage_limit_exceeded'),
      String(refused[0]),
    );
    assert.equal((await race(10, store(key.id))).passed, 5);
    assert.equal(await new Quotas(nodes[0]!, {}).bytesLeft(key.id), 0);
  });
});
