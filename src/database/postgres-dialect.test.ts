import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompiledQuery, Kysely } from 'kysely';
import type postgres from 'postgres';
import { MAX_PREPARED_TEXTS, postgresDialect } from './postgres-dialect.ts';

test('a bounded number of query texts is prepared: the first ones, which stay prepared', async () => {
  const prepared = new Set<string>();
  let lastIsPrepared = false;
  const sql = {
    async unsafe(text: string, _parameters: unknown[], { prepare }: { prepare: boolean }) {
      lastIsPrepared = prepare;
      if (prepare) prepared.add(text);
      return Object.assign([], { command: 'SELECT', count: 0 });
    },
    end: async () => {},
  } as unknown as postgres.Sql;
  await using db = new Kysely<unknown>({ dialect: postgresDialect(sql) });
  const run = (i: number) => db.executeQuery(CompiledQuery.raw(`select ${i}`, [i]));
  for (let i = 0; i < 2 * MAX_PREPARED_TEXTS; i++) await run(i);
  assert.equal(prepared.size, MAX_PREPARED_TEXTS);
  assert.equal(lastIsPrepared, false);
  await run(0);
  assert.equal(lastIsPrepared, true);
});
