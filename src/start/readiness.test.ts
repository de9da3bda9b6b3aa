import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, type TestContext, test } from 'node:test';
import { FolderBlobStore } from '../blobs/folder/store.ts';
import { openReadiness } from './readiness.ts';

/** A data folder with its database. The clock advances so that no result is reused. */
async function setUp(t: TestContext, { databaseUrl, ...more }: { databaseUrl?: string; blobs?: 'apart' } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'reelvec-ready-'));
  t.after(() => rmSync(root, { recursive: true }));
  const dataDir = join(root, 'data');
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, 'reelvec.db'), '');
  const blobs = new FolderBlobStore(more.blobs ? join(root, 'apart') : join(dataDir, 'blobs'));
  await blobs.make();
  const database = { get: mock.fn(async (): Promise<undefined> => undefined) };
  let now = performance.now();
  t.mock.method(performance, 'now', () => (now += 2000));
  const ready = await openReadiness({ config: { dataDir, databaseUrl }, tasks: database, blobs });
  return { root, dataDir, blobs, database, ready, at: (time: number) => (now = time) };
}

const GONE = { code: 'service_unavailable', message: /data folder or its database is not the one/ };

test('a moved or replaced data folder is not ready until it is back', async (t) => {
  const { root, dataDir, ready } = await setUp(t);
  await ready();
  renameSync(dataDir, join(root, 'moved'));
  await assert.rejects(ready(), GONE);
  assert.deepEqual(readdirSync(root), ['moved'], 'the check makes nothing in its place');
  mkdirSync(dataDir);
  await assert.rejects(ready(), GONE);
  rmSync(dataDir, { recursive: true });
  renameSync(join(root, 'moved'), dataDir);
  await ready();
  assert.deepEqual(readdirSync(dataDir).sort(), ['blobs', 'reelvec.db']);
  assert.deepEqual(readdirSync(join(dataDir, 'blobs/.tmp')), []);
});

test('a replaced database file is not ready', async (t) => {
  const { dataDir, ready } = await setUp(t);
  const database = join(dataDir, 'reelvec.db');
  renameSync(database, `${database}.aside`);
  await assert.rejects(ready(), GONE);
  writeFileSync(database, '');
  await assert.rejects(ready(), GONE);
  renameSync(`${database}.aside`, database);
  await ready();
});

test('a blob folder on an unmounted volume is not ready', async (t) => {
  for (const databaseUrl of [undefined, 'postgres://localhost/none']) {
    const { root, ready } = await setUp(t, { blobs: 'apart', databaseUrl });
    await ready();
    renameSync(join(root, 'apart'), join(root, 'moved'));
    mkdirSync(join(root, 'apart'));
    await assert.rejects(ready(), { message: /cannot open files or write/ });
    rmSync(join(root, 'apart'), { recursive: true });
    renameSync(join(root, 'moved'), join(root, 'apart'));
    await ready();
  }
});

test('a database that fails or hangs is not ready', async (t) => {
  const { database, ready } = await setUp(t);
  database.get.mock.mockImplementationOnce(async () => {
    throw new Error('connection refused');
  });
  await assert.rejects(ready(), { message: /cannot reach its database/ });
  await ready();
});

test('concurrent checks share one disk write per second', async (t) => {
  const { database, ready, at } = await setUp(t);
  t.mock.method(performance, 'now', () => 1e9);
  at(0);
  await Promise.all(Array.from({ length: 50 }, ready));
  assert.equal(database.get.mock.callCount(), 1);
});
