import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { uploadStoreContract } from '../../../test/support/contracts/upload-store.ts';
import { s3Server } from '../../../test/support/s3-server.ts';
import { BlockCache } from './block-cache.ts';
import { RangeServer } from './range-server.ts';
import { S3BlobStore } from './store.ts';
import { S3UploadStore } from './uploads.ts';

const server = await s3Server();
after(() => server[Symbol.asyncDispose]());
const settings = () => ({
  bucket: server.bucket(),
  prefix: 'some/',
  endpoint: server.endpoint,
  region: 'us-east-1',
  pathStyle: true,
});

uploadStoreContract('A bucket', async () => {
  const options = settings();
  const folder = await mkdtemp(join(tmpdir(), 'reelvec-cache-'));
  const ranges = new RangeServer({ cache: new BlockCache({ folder, maxBytes: 1 }) });
  const blobs = new S3BlobStore({ ...options, ranges });
  return { uploads: new S3UploadStore(options), blobs, close: () => blobs[Symbol.asyncDispose]() };
});

test('signed URLs have the public host', async () => {
  using uploads = new S3UploadStore({ ...settings(), publicEndpoint: 'https://media.example.com' });
  const upload = await uploads.begin('public/source', { size: 10, partSize: 10 });
  const url = new URL(await uploads.intake.sign(upload, 1, { expiresInSec: 60 }));
  assert.equal(url.host, 'media.example.com');
  assert.equal(url.searchParams.get('X-Amz-Expires'), '60');
  assert.equal(url.searchParams.get('partNumber'), '1');
});

test('a sweep discards idle uploads under its own prefix only', async () => {
  const options = settings();
  using uploads = new S3UploadStore(options);
  using others = new S3UploadStore({ ...options, prefix: 'another/' });
  await uploads.begin('a/source', { size: 10, partSize: 10 });
  await uploads.begin('b/source', { size: 10, partSize: 10 });
  await others.begin('a/source', { size: 10, partSize: 10 });
  assert.equal(await uploads.sweep({ idleMs: 60_000 }), 0);
  assert.equal(await uploads.sweep({ idleMs: 0 }), 2);
  assert.equal(await uploads.sweep({ idleMs: 0 }), 0);
  assert.equal(await others.sweep({ idleMs: 0 }), 1);
});
