import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { uploadStoreContract } from '../../../test/support/contracts/upload-store.ts';
import { PartSizeError } from '../uploads.ts';
import { FolderBlobStore } from './store.ts';
import { FolderUploadStore } from './uploads.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reelvec-uploads-'));
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

uploadStoreContract('A folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'reelvec-uploads-'));
  const close = () => rm(root, { recursive: true, force: true });
  return { uploads: new FolderUploadStore(root), blobs: new FolderBlobStore(root), close };
});

async function* of(...pieces: string[]): AsyncIterable<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

test('a part of the wrong length is refused and does not change its neighbours', async () => {
  const root = await temporaryFolder();
  const uploads = new FolderUploadStore(root);
  const { write } = uploads.intake;
  const upload = await uploads.begin('a/source', { size: 10, partSize: 4 });
  const parts = [await write(upload, 2, of('4567')), await write(upload, 3, of('89'))];
  await assert.rejects(write(upload, 1, of('012', '34')), PartSizeError);
  await assert.rejects(write(upload, 1, of('012')), /Part 1 has 3 of its 4 bytes/);
  await assert.rejects(write(upload, 3, of('890')), PartSizeError);
  parts.push(await write(upload, 1, of('01', '23')), await write(upload, 3, of('89')));
  await uploads.complete(upload, parts);
  assert.equal((await buffer(new FolderBlobStore(root).read('a/source'))).toString(), '0123456789');
});

test('uploads survive the sweep of temporary files, and leave nothing behind', async () => {
  const root = await temporaryFolder();
  const upload = await new FolderUploadStore(root).begin('a/source', { size: 4, partSize: 4 });
  const part = await new FolderUploadStore(root).intake.write(upload, 1, of('0123'));
  await new FolderBlobStore(root).sweepTemporary({ idleMs: 0 });
  await new FolderUploadStore(root).complete(upload, [part]);
  assert.deepEqual(await readdir(join(root, '.uploads')), []);
});

test('too few parts do not make a blob', async () => {
  const root = await temporaryFolder();
  const uploads = new FolderUploadStore(root);
  const upload = await uploads.begin('a/source', { size: 8, partSize: 4 });
  const part = await uploads.intake.write(upload, 1, of('0123'));
  await assert.rejects(uploads.complete(upload, [part, part]), /Only 1 parts/);
});
