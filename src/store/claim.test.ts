import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryBlobStore } from './blob-memory.fixture.ts';
import { BlobsOfAnother, claimBlobs } from './claim.ts';
import { openDatabase } from './database.ts';

test('a place belongs to the database that came first, on every start', async () => {
  const blobs = new MemoryBlobStore();
  await using stack = new AsyncDisposableStack();
  const [mine, other] = [await openDatabase(':memory:'), await openDatabase(':memory:')];
  stack.defer(() => mine.destroy());
  stack.defer(() => other.destroy());
  await claimBlobs(mine, blobs, 'the place');
  await claimBlobs(mine, blobs, 'the place');
  await assert.rejects(claimBlobs(other, blobs, 's3://bucket/'), (error: Error) => {
    assert.ok(error instanceof BlobsOfAnother);
    assert.match(error.message, /s3:\/\/bucket\/ belong to another database.*remove database\/[0-9a-f]{32} there/);
    return true;
  });
});
