import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CreateBucketCommand, DeleteBucketCommand } from '@aws-sdk/client-s3';
import { blobStoreContract } from '../../../test/support/contracts/blob-store.ts';
import { uploadStoreContract } from '../../../test/support/contracts/upload-store.ts';
import { BlockCache } from './block-cache.ts';
import { openS3Client } from './client.ts';
import { RangeServer } from './range-server.ts';
import { S3BlobStore } from './store.ts';
import { S3UploadStore } from './uploads.ts';

/**
 * Runs the contract on a real store, which checks signatures and parts, unlike the emulator. Credentials come from the
 * default chain of the AWS SDK; a bucket is created and removed.
 */
const endpoint = process.env['REELVEC_TEST_S3_ENDPOINT'];

if (endpoint === undefined) {
  test('a real S3 store', { skip: 'set REELVEC_TEST_S3_ENDPOINT to the URL of one' }, () => {});
} else {
  const open = async () => {
    const options = {
      bucket: `reelvec-${randomUUID()}`,
      prefix: 'some/',
      endpoint,
      region: 'us-east-1',
      pathStyle: true,
    };
    const client = openS3Client(options);
    await client.send(new CreateBucketCommand({ Bucket: options.bucket }));
    const folder = await mkdtemp(join(tmpdir(), 'reelvec-cache-'));
    const cache = new BlockCache({ folder: join(folder, 'cache'), maxBytes: 2 ** 26 });
    const store = new S3BlobStore({ ...options, ranges: new RangeServer({ cache }) });
    const uploads = new S3UploadStore(options);
    const close = async () => {
      await uploads.sweep({ idleMs: 0 });
      for await (const { key } of store.list('')) await store.remove(key);
      await client.send(new DeleteBucketCommand({ Bucket: options.bucket }));
      await store[Symbol.asyncDispose]();
      uploads[Symbol.dispose]();
      client.destroy();
      await rm(folder, { recursive: true });
    };
    return { store, blobs: store, uploads, close };
  };
  // A slow store takes minutes to exceed its page of a thousand keys.
  blobStoreContract('A real bucket', open, { many: 20 });
  uploadStoreContract('A real bucket', open);

  test('a signed URL accepts only its own part', async () => {
    const { uploads, close } = await open();
    const upload = await uploads.begin('signed/source', { size: 10, partSize: 10 });
    const url = new URL(await uploads.intake.sign(upload, 1, { expiresInSec: 60 }));
    const put = async (change: (url: URL) => void) => {
      const changed = new URL(url);
      change(changed);
      return (await fetch(changed, { method: 'PUT', body: 'content' })).status;
    };
    assert.equal(await put((changed) => changed.searchParams.set('partNumber', '2')), 403);
    assert.equal(await put((changed) => changed.searchParams.set('X-Amz-Expires', '600')), 403);
    assert.equal(await put(() => {}), 200);
    await close();
  });
}
