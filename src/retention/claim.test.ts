import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MemoryBlobStore } from '../../test/support/memory-blobs.ts';
import { NO_POSTGRES, startPostgres } from '../../test/support/postgres.ts';
import { type Db, openDatabase } from '../database/open.ts';
import { readNumber } from '../database/stored-numbers.ts';
import { TaskRepository } from '../tasks/repository.ts';
import type { TaskRequest } from '../tasks/request.ts';
import { resultKey } from '../tasks/work.ts';
import { BlobsRefused, claimBlobs, examineClaim, takeOverBlobs } from './claim.ts';
import { compareBlobs, countBlobs } from './orphans.ts';

const PLACE = 's3://bucket/';

/** A database in a file, and backups of it. */
async function databases(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-claim-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const open = async (name = 'one') => {
    const db = await openDatabase(join(folder, name));
    t.after(() => db.destroy());
    return db;
  };
  const backUp = async (db: Db) => {
    await db.destroy();
    copyFileSync(join(folder, 'one'), join(folder, 'backup'));
  };
  return { open, backUp };
}

/** Asserts that a claim is refused and changes neither blobs nor the counter. @returns the message */
async function refused(db: Db, blobs: MemoryBlobStore): Promise<string> {
  const before = new Map(blobs.blobs);
  const counter = await readNumber(db, 'claim');
  const error = await claimBlobs({ db, blobs, place: PLACE }).catch((e) => e);
  assert.ok(error instanceof BlobsRefused, String(error));
  assert.deepEqual(blobs.blobs, before);
  assert.equal(await readNumber(db, 'claim'), counter);
  assert.match(error.message, /Nothing was changed.*--claim.*--delete-unknown/);
  return error.message;
}

async function addResult(db: Db, blobs: MemoryBlobStore, id: string): Promise<void> {
  const request = { inputType: 'video', modelName: 'm', source: { kind: 'base64' } } as unknown as TaskRequest;
  await new TaskRepository(db).create({ id, owner: 'me', bundle: 'b', request });
  await blobs.write(resultKey(id), Buffer.from('result'));
}

test('a store belongs to the first database that claims it, on every start', async (t) => {
  const { open } = await databases(t);
  const blobs = new MemoryBlobStore();
  const mine = await open();
  for (let start = 0; start < 3; start++) await claimBlobs({ db: mine, blobs, place: PLACE });
  assert.match(await refused(await open('other'), blobs), /at s3:\/\/bucket\/ belong to another database/);
});

test('an older copy of the database is refused on every start, until it takes the blobs over', async (t) => {
  const { open, backUp } = await databases(t);
  const blobs = new MemoryBlobStore();
  const first = await open();
  await claimBlobs({ db: first, blobs, place: PLACE });
  await addResult(first, blobs, 'a');
  await backUp(first);
  const newer = await open();
  await claimBlobs({ db: newer, blobs, place: PLACE });
  await addResult(newer, blobs, 'b');

  const older = await open('backup');
  for (let start = 0; start < 4; start++) {
    assert.match(await refused(older, blobs), /newer copy of this database \(start 2, here 1\)/);
  }
  await takeOverBlobs({ db: older, blobs, place: PLACE });
  await claimBlobs({ db: older, blobs, place: PLACE });
  assert.ok(blobs.blobs.has(resultKey('a')) && blobs.blobs.has(resultKey('b')));
  const census = await countBlobs(compareBlobs({ db: older, blobs, graceMs: 0 }));
  assert.deepEqual([census.needed.count, census.kept.count, census.unknown.count], [1, 1, 0]);
  assert.match(await refused(newer, blobs), /newer copy/);
});

test('without a claim, a new database is refused and one with rows for the blobs is not', async (t) => {
  const { open } = await databases(t);
  const blobs = new MemoryBlobStore();
  const upgraded = await open();
  await addResult(upgraded, blobs, 'a');
  await blobs.write(resultKey('b'), Buffer.from('left by a crash'));
  assert.match(await refused(await open('new'), blobs), /knows none of them/);
  await claimBlobs({ db: upgraded, blobs, place: PLACE });
});

test('a claim of a version without counters is valid', async (t) => {
  const { open } = await databases(t);
  const blobs = new MemoryBlobStore();
  const db = await open();
  await claimBlobs({ db, blobs, place: PLACE });
  const [claim] = [...blobs.blobs.keys()];
  await blobs.write(claim!, Buffer.from('7'));
  await claimBlobs({ db, blobs, place: PLACE });
  assert.equal(blobs.blobs.get(claim!)!.bytes.toString(), '{"counter":2}\n');
});

test('a database whose blobs are not there is refused: their volume may not be mounted', async (t) => {
  const { open } = await databases(t);
  const db = await open();
  await claimBlobs({ db, blobs: new MemoryBlobStore(), place: PLACE });
  const empty = new MemoryBlobStore();
  assert.match(await refused(db, empty), /volume is not mounted/);
  await takeOverBlobs({ db, blobs: empty, place: PLACE });
  await claimBlobs({ db, blobs: empty, place: PLACE });
});

test('after a crash anywhere in a claim or a takeover the database can use the store', async (t) => {
  const { open } = await databases(t);
  const db = await open();
  const other = await open('other');
  const blobs = new MemoryBlobStore();
  let writes = 0;
  const dying = new Proxy(blobs, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]) => {
        if ((name === 'write' || name === 'remove') && writes-- <= 0) throw new Error('killed');
        return value.apply(target, given);
      };
    },
  });
  for (const survived of [0, 1]) {
    blobs.blobs.clear();
    await db.deleteFrom('remembered').execute();
    writes = survived;
    await assert.rejects(claimBlobs({ db, blobs: dying, place: PLACE }), /killed/);
    await claimBlobs({ db, blobs, place: PLACE });
  }
  for (const survived of [0, 1]) {
    writes = survived;
    await assert.rejects(takeOverBlobs({ db: other, blobs: dying, place: PLACE }), /killed/);
    assert.match(await refused(other, blobs), /another database/);
  }
  await takeOverBlobs({ db: other, blobs, place: PLACE });
  await claimBlobs({ db: other, blobs, place: PLACE });
});

test('of two new databases that claim a store concurrently, at most one succeeds', async (t) => {
  const { open } = await databases(t);
  const blobs = new MemoryBlobStore();
  const [one, two] = [await open('one'), await open('two')];
  const outcomes = await Promise.allSettled([one, two].map((db) => claimBlobs({ db, blobs, place: PLACE })));
  assert.ok(outcomes.filter(({ status }) => status === 'fulfilled').length < 2);
});

test('nodes that start together do not refuse each other', { skip: NO_POSTGRES ?? false }, async () => {
  await using postgres = await startPostgres({ fsync: 'off' });
  const url = await postgres.database();
  const blobs = new MemoryBlobStore();
  await using db = await openDatabase(url);
  for (let round = 1; round <= 5; round++) {
    await Promise.all(Array.from({ length: 8 }, () => claimBlobs({ db, blobs, place: PLACE })));
    assert.equal(await readNumber(db, 'claim'), 8 * round);
  }
  assert.deepEqual(await examineClaim({ db, blobs, place: PLACE }), { isClaimed: true });
});
