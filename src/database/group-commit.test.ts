import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sql } from 'kysely';
import { groupCommit } from './group-commit.ts';
import { newId } from './ids.ts';
import { type Db, openDatabase } from './open.ts';

const folder = await fs.mkdtemp(join(tmpdir(), 'reelvec-aside-'));
after(() => fs.rm(folder, { recursive: true }));

const insert = (name: string) => (db: Db) =>
  db
    .insertInto('keys')
    .values({ id: newId(), name, hash: name, prefix: 'p', created_at: new Date().toISOString(), revoked_at: null })
    .execute();

/** Counts flushes by Node; SQLite's own are not included. */
async function watchFlushes(path: string) {
  const handle = await fs.open(path);
  const { prototype } = handle.constructor as { prototype: { datasync(): Promise<void> } };
  await handle.close();
  const original = prototype.datasync;
  let flushes = 0;
  prototype.datasync = async function (this: fs.FileHandle) {
    await original.call(this);
    flushes++;
  };
  return {
    count: () => flushes,
    [Symbol.dispose]: () => {
      prototype.datasync = original;
    },
  };
}

test('a statement is flushed before it resolves, and concurrent ones share the flush', async () => {
  const path = join(folder, 'together.db');
  const db = await openDatabase(path);
  using flushes = await watchFlushes(`${path}-wal`);
  await groupCommit(db, insert('alone'));
  assert.equal(flushes.count(), 1);
  await Promise.all(Array.from({ length: 20 }, (_, i) => groupCommit(db, insert(`together ${i}`))));
  assert.ok(flushes.count() <= 4, `${flushes.count()} flushes`);
  assert.equal((await db.selectFrom('keys').select('id').execute()).length, 21);
  await db.destroy();
});

test('other statements flush on commit, also after a failed one', async () => {
  const db = await openDatabase(join(folder, 'others.db'));
  const level = async (connection: Db) =>
    (await sql<{ synchronous: number }>`pragma synchronous`.execute(connection)).rows[0]?.synchronous;
  assert.equal(await groupCommit(db, level), 1);
  assert.equal(await level(db), 2);
  await groupCommit(db, insert('twice'));
  await assert.rejects(groupCommit(db, insert('twice')), /UNIQUE/);
  assert.equal(await level(db), 2);
  await db.destroy();
});

test('a failed flush rejects, and the next statement flushes again', async () => {
  const path = join(folder, 'unflushed.db');
  const db = await openDatabase(path);
  await fs.rename(`${path}-wal`, `${path}-away`);
  await assert.rejects(groupCommit(db, insert('lost')), { code: 'ENOENT' });
  await fs.rename(`${path}-away`, `${path}-wal`);
  await groupCommit(db, insert('found'));
  await db.destroy();
});
