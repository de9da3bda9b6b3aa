import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sql } from 'kysely';
import { openDatabase } from './database.ts';
import { isId, newId } from './ids.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-database-'));
after(() => rmSync(folder, { recursive: true }));

test('opening twice keeps what is there and is durable', async () => {
  const path = join(folder, 'twice.db');
  const first = await openDatabase(path);
  const now = new Date().toISOString();
  await first
    .insertInto('keys')
    .values({ id: newId(), name: 'n', hash: 'h', prefix: 'p', created_at: now, revoked_at: null })
    .execute();
  await first.destroy();
  const second = await openDatabase(path);
  assert.equal((await second.selectFrom('keys').selectAll().execute()).length, 1);
  const { rows } = await sql<{ synchronous: number }>`pragma synchronous`.execute(second);
  assert.equal(rows[0]?.synchronous, 2);
  await second.destroy();
});

test('a database of a newer version is refused in words', async () => {
  const path = join(folder, 'newer.db');
  const db = await openDatabase(path);
  await sql`insert into kysely_migration values ('9999_future', '2100-01-01')`.execute(db);
  await db.destroy();
  await assert.rejects(openDatabase(path), /newer reelvec/);
});

test('ids are 24 hex characters and rise', () => {
  const ids = Array.from({ length: 1000 }, newId);
  assert.ok(ids.every(isId));
  assert.deepEqual(ids, [...ids].sort());
});
