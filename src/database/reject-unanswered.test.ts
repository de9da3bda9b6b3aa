import assert from 'node:assert/strict';
import { test } from 'node:test';
import postgres from 'postgres';
import { rejectUnanswered } from './reject-unanswered.ts';
import { isTransientQueryError } from './unavailable.ts';

type Resolvable = Promise<unknown> & { resolve(result: unknown): void };

const pool = () => rejectUnanswered(postgres('postgres://nobody@127.0.0.1:1/none', { max: 1 }));

test('a query that the driver resolves without an answer is rejected with a connection error', async () => {
  const sql = pool();
  for (const query of [sql`select ${1}::int, ${sql('name')}`, sql.unsafe('select 1')] as unknown as Resolvable[]) {
    query.resolve(Object.assign([], { command: null }));
    await assert.rejects(query, isTransientQueryError);
  }
});

test('an answer without rows resolves', async () => {
  const query = pool()`select 1 where false` as unknown as Resolvable;
  query.resolve(Object.assign([], { command: 'SELECT' }));
  assert.deepEqual([...((await query) as unknown[])], []);
});
