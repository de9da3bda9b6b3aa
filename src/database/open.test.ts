import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { NO_POSTGRES, startPostgres } from '../../test/support/postgres.ts';
import { newId } from './ids.ts';
import { type Db, openDatabase, tryWithLock } from './open.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-database-'));
after(() => rmSync(folder, { recursive: true }));

test('opening twice keeps the rows, and commits are durable', async () => {
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

test('a database of a newer version is refused with a sentence', async () => {
  const path = join(folder, 'newer.db');
  const db = await openDatabase(path);
  await sql`insert into kysely_migration values ('9999_future', '2100-01-01')`.execute(db);
  await db.destroy();
  await assert.rejects(openDatabase(path), /newer reelvec/);
});

describe('work under a cluster-wide lock', { skip: NO_POSTGRES }, () => {
  const stack = new AsyncDisposableStack();
  let nodes: Db[];
  before(async () => {
    const server = stack.use(await startPostgres({ fsync: 'off' }));
    const url = await server.database();
    nodes = await Promise.all([openDatabase(url), openDatabase(url)]);
    for (const node of nodes) stack.defer(() => node.destroy());
  });
  after(() => stack.disposeAsync());

  test('is skipped while another node does it', async () => {
    const done: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = tryWithLock(nodes[0]!, 'sweep', async () => {
      done.push(0);
      await promise;
    });
    while (done.length === 0) await sleep(5);
    await tryWithLock(nodes[1]!, 'sweep', async () => void done.push(1));
    resolve();
    await first;
    await tryWithLock(nodes[1]!, 'sweep', async () => void done.push(1));
    assert.deepEqual(done, [0, 1]);
  });

  test('is skipped for an interval after another node did it, unless it failed', async () => {
    const done: number[] = [];
    const attempt = (node: number, minIntervalMs: number, work = async () => void done.push(node)) =>
      tryWithLock(nodes[node]!, 'upkeep', work, { minIntervalMs });
    await assert.rejects(
      attempt(0, 60_000, () => Promise.reject(new Error('no'))),
      /no/,
    );
    await attempt(1, 60_000);
    await attempt(0, 60_000);
    assert.deepEqual(done, [1]);
    await sleep(20);
    await attempt(0, 10);
    assert.deepEqual(done, [1, 0]);
  });
});

test('ids are 24 hex characters and increase', () => {
  const ids = Array.from({ length: 1000 }, newId);
  for (const id of ids) assert.match(id, /^[0-9a-f]{24}$/);
  assert.deepEqual(ids, [...ids].sort());
});
