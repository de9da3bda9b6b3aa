import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import type { BlobStore } from '../../../src/blobs/store.ts';
import { type Part, type PartialBlob, partCount, partRange, type UploadStore } from '../../../src/blobs/uploads.ts';

/** Minimum part size of S3. Bytes. */
const PART_SIZE = 5 * 1024 ** 2;
const CONTENT = randomBytes(2 * PART_SIZE + 1000);

/** Contract suite of every upload store. `open` provides an empty one with its blob store; `close` removes both. */
export function uploadStoreContract(
  name: string,
  open: () => Promise<{ uploads: UploadStore; blobs: BlobStore; close: () => Promise<void> }>,
): void {
  describe(`${name} as an UploadStore`, async () => {
    const { uploads, blobs, close } = await open();
    after(close);
    const begin = (key: string) => uploads.begin(key, { size: CONTENT.length, partSize: PART_SIZE });
    const content = (upload: PartialBlob, number: number) => {
      const { start, size } = partRange(upload, number);
      return CONTENT.subarray(start, start + size);
    };
    const sendAll = (upload: PartialBlob) =>
      Promise.all([3, 1, 2].map((number) => send(uploads, upload, number, content(upload, number))));

    test('concurrent parts in any order make the blob', async () => {
      const upload = await begin('made/source');
      assert.equal(partCount(upload), 3);
      const parts = await sendAll(upload);
      assert.deepEqual(
        parts.map(({ number, size }) => [number, size]),
        [
          [3, 1000],
          [1, PART_SIZE],
          [2, PART_SIZE],
        ],
      );
      assert.equal(new Set(parts.map(({ etag }) => etag)).size, 3);
      assert.deepEqual(await uploads.complete(upload, parts), { size: CONTENT.length });
      assert.ok((await buffer(blobs.read('made/source'))).equals(CONTENT));
    });

    test('a blob is not visible before it is complete', async () => {
      const upload = await begin('unseen/source');
      const parts = await sendAll(upload);
      assert.equal(await blobs.stat('unseen/source'), undefined);
      assert.deepEqual(await Array.fromAsync(blobs.list('unseen/')), []);
      await uploads.complete(upload, parts);
      assert.equal((await blobs.stat('unseen/source'))?.size, CONTENT.length);
    });

    test('an upload continues in another process that has only the result of `begin`', async () => {
      const upload = JSON.parse(JSON.stringify(await begin('resumed/source')));
      const parts = await sendAll(upload);
      await uploads.complete(JSON.parse(JSON.stringify(upload)), parts);
      assert.ok((await buffer(blobs.read('resumed/source'))).equals(CONTENT));
    });

    test('a part that is sent again replaces the previous version', async () => {
      const upload = await begin('again/source');
      const wrong = await send(uploads, upload, 1, randomBytes(PART_SIZE));
      const parts = await sendAll(upload);
      assert.notEqual(parts[1]?.etag, wrong.etag);
      await uploads.complete(upload, parts);
      assert.ok((await buffer(blobs.read('again/source'))).equals(CONTENT));
    });

    test('complete is idempotent', async () => {
      const upload = await begin('twice/source');
      const parts = await sendAll(upload);
      await uploads.complete(upload, parts);
      assert.deepEqual(await uploads.complete(upload, parts), { size: CONTENT.length });
      assert.ok((await buffer(blobs.read('twice/source'))).equals(CONTENT));
    });

    test('an aborted upload accepts no parts and cannot be completed; a complete one stays', async () => {
      const upload = await begin('aborted/source');
      const part = await send(uploads, upload, 1, content(upload, 1));
      await uploads.abort('aborted/source');
      await uploads.abort('aborted/source');
      await assert.rejects(send(uploads, upload, 2, content(upload, 2)));
      await assert.rejects(uploads.complete(upload, [part]));
      assert.equal(await blobs.stat('aborted/source'), undefined);

      const whole = await begin('kept/source');
      await uploads.complete(whole, await sendAll(whole));
      await uploads.abort('kept/source');
      assert.equal((await blobs.stat('kept/source'))?.size, CONTENT.length);
    });

    test('a sweep discards idle uploads, and no blob', async () => {
      const old = await begin('swept/source');
      const whole = await begin('whole/source');
      await uploads.complete(whole, await sendAll(whole));
      await uploads.sweep({ idleMs: 60_000 });
      await send(uploads, old, 1, content(old, 1));
      assert.ok((await uploads.sweep({ idleMs: 0 })) > 0);
      await assert.rejects(send(uploads, old, 2, content(old, 2)));
      assert.equal((await blobs.stat('whole/source'))?.size, CONTENT.length);
    });

    test('an invalid key is refused', async () => {
      await assert.rejects(begin('../outside'), TypeError);
      await assert.rejects(uploads.abort('../outside'), TypeError);
    });
  });
}

/** Sends a part through the intake of the store. */
async function send(uploads: UploadStore, upload: PartialBlob, number: number, bytes: Buffer): Promise<Part> {
  const { intake } = uploads;
  if (intake.kind === 'server') return intake.write(upload, number, pieces(bytes));
  const url = await intake.sign(upload, number, { expiresInSec: 60 });
  const answer = await fetch(url, { method: 'PUT', body: new Uint8Array(bytes) });
  assert.equal(answer.status, 200, await answer.text());
  const [part] = await intake.stored(upload, [number]);
  assert.equal(answer.headers.get('etag')?.replaceAll('"', ''), part?.etag);
  assert.ok(part);
  return part;
}

async function* pieces(bytes: Buffer): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
