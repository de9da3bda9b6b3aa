import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256OfBlob } from '../../../src/blobs/hash-blob.ts';
import { BlobNotFound, type BlobStore } from '../../../src/blobs/store.ts';

/**
 * Contract suite of every blob store. `open` provides an empty store; `close` removes it. `many` exceeds a page of its
 * list.
 */
export function blobStoreContract(
  name: string,
  open: () => Promise<{ store: BlobStore; close: () => Promise<void> }>,
  { many = 1200 } = {},
): void {
  describe(`${name} as a BlobStore`, async () => {
    const { store, close } = await open();
    after(close);
    const text = async (key: string) => (await buffer(store.read(key))).toString();
    const keys = async (prefix: string) => (await Array.fromAsync(store.list(prefix), ({ key }) => key)).sort();

    test('a blob is read back as written, with its size and SHA-256', async () => {
      const bytes = Buffer.alloc(3_000_000, 'reelvec');
      const written = await store.write('media/a.mp4', chunks(bytes, 65_536));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      assert.deepEqual({ sha256, ...written }, { sha256, size: bytes.length });
      assert.equal(await sha256OfBlob(store, 'media/a.mp4'), sha256);
      assert.deepEqual(await buffer(store.read('media/a.mp4')), bytes);
      assert.equal((await store.stat('media/a.mp4'))?.size, bytes.length);
    });

    test('an empty blob exists', async () => {
      assert.equal((await store.write('media/empty', new Uint8Array())).size, 0);
      assert.equal(await text('media/empty'), '');
    });

    test('a blob is replaced atomically', async () => {
      await store.write('replaced', Buffer.from('a longer first content'));
      await store.write('replaced', Buffer.from('second'));
      assert.equal(await text('replaced'), 'second');
    });

    test('a range includes both ends, or extends to the end of the blob', async () => {
      await store.write('range', Buffer.from('0123456789'));
      assert.equal((await buffer(store.read('range', { start: 2, end: 4 }))).toString(), '234');
      assert.equal((await buffer(store.read('range', { start: 7 }))).toString(), '789');
      assert.equal((await buffer(store.read('range', { start: 0, end: 0 }))).toString(), '0');
    });

    test('for a missing blob stat gives undefined and read fails with BlobNotFound', async () => {
      assert.equal(await store.stat('no/such'), undefined);
      await assert.rejects(buffer(store.read('no/such')), BlobNotFound);
      await assert.rejects(buffer(store.read('no/such', { start: 5 })), BlobNotFound);
    });

    test('a failed write keeps the previous blob', async () => {
      await store.write('kept/before', Buffer.from('before'));
      const broken = async function* () {
        yield Buffer.from('half');
        throw new Error('the sender hung up');
      };
      await assert.rejects(store.write('kept/before', broken()), /the sender hung up/);
      await assert.rejects(store.write('kept/new', broken()), /the sender hung up/);
      assert.equal(await text('kept/before'), 'before');
      assert.equal(await store.stat('kept/new'), undefined);
    });

    test('an abort ends a write at once, even if the content hangs, and stops the content', async () => {
      const abort = new AbortController();
      let stopped = false;
      const stalled: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => {}),
          return: async () => {
            stopped = true;
            return { done: true, value: undefined };
          },
        }),
      };
      const writing = store.write('stalled', stalled, { signal: abort.signal });
      setImmediate(() => abort.abort(new Error('cancelled')));
      await assert.rejects(writing, /cancelled/);
      assert.equal(await store.stat('stalled'), undefined);
      assert.ok(stopped);
    });

    test('a write with a signal that is aborted already writes nothing', async () => {
      const written = store.write('aborted', Buffer.from('x'), { signal: AbortSignal.abort(new Error('cancelled')) });
      await assert.rejects(written, /cancelled/);
      assert.equal(await store.stat('aborted'), undefined);
    });

    test('a blob is not visible before it is complete', async () => {
      const slow = async function* () {
        yield Buffer.from('first ');
        assert.equal(await store.stat('slow/blob'), undefined);
        assert.deepEqual(await keys('slow/'), []);
        await sleep(5);
        yield Buffer.from('second');
      };
      await store.write('slow/blob', slow());
      assert.equal(await text('slow/blob'), 'first second');
    });

    test('list gives the keys under a prefix, at any depth, and no others', async () => {
      for (const key of ['list/1/a', 'list/1/b/c', 'list/10/a', 'list-1/a']) await store.write(key, Buffer.from(key));
      assert.deepEqual(await keys('list/1/'), ['list/1/a', 'list/1/b/c']);
      assert.deepEqual(await keys('list/'), ['list/1/a', 'list/1/b/c', 'list/10/a']);
      assert.deepEqual(await keys('nothing/'), []);
      assert.ok((await keys('')).includes('list-1/a'));
    });

    test('list and stat give the size of a blob and the time of its write', async () => {
      await store.write('facts/a', Buffer.from('12345'));
      const [listed] = await Array.fromAsync(store.list('facts/'));
      const found = await store.stat('facts/a');
      for (const entry of [listed, found]) {
        assert.equal(entry?.key, 'facts/a');
        assert.equal(entry.size, 5);
        assert.ok(Math.abs(entry.modifiedAt.getTime() - Date.now()) < 60_000);
      }
    });

    test('list continues past a page of the store', async () => {
      const names = Array.from({ length: many }, (_, i) => `many/${String(i).padStart(4, '0')}`);
      for (let at = 0; at < names.length; at += 100) {
        await Promise.all(names.slice(at, at + 100).map((name) => store.write(name, Buffer.from('x'))));
      }
      assert.deepEqual(await keys('many/'), names);
      await store.remove('many/');
      assert.deepEqual(await keys('many/'), []);
    });

    test('`use` gives a location that can be read in full or in ranges', async () => {
      const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251));
      await store.write('used/blob', bytes);
      await store.use('used/blob', async (location) => {
        assert.deepEqual(await readLocation(location, { start: 0, end: bytes.length - 1 }), bytes);
        assert.deepEqual(
          await readLocation(location, { start: 150_000, end: 150_099 }),
          bytes.subarray(150_000, 150_100),
        );
      });
      assert.equal(await store.use('used/blob', async () => 7), 7);
      await assert.rejects(
        store.use('used/blob', () => Promise.reject(new Error('the work failed'))),
        /the work failed/,
      );
      await assert.rejects(
        store.use('used/none', async () => assert.fail('there is nothing to work on')),
        BlobNotFound,
      );
    });

    test('remove deletes one blob, or all under a prefix, and succeeds twice', async () => {
      for (const key of ['gone/1/a', 'gone/1/b/c', 'gone/10/a', 'gone/2']) await store.write(key, Buffer.from(key));
      await store.remove('gone/2');
      await store.remove('gone/2');
      await store.remove('gone/2/deeper');
      assert.deepEqual(await keys('gone/'), ['gone/1/a', 'gone/1/b/c', 'gone/10/a']);
      await store.remove('gone/1/');
      await store.remove('gone/1/');
      assert.deepEqual(await keys('gone/'), ['gone/10/a']);
    });

    test('concurrent writes do not mix, not even to one key', async () => {
      const contents = Array.from({ length: 8 }, (_, i) => Buffer.alloc(200_000, `${i}`));
      await Promise.all(contents.map((content) => store.write('together', chunks(content, 10_000))));
      const found = await buffer(store.read('together'));
      assert.ok(contents.some((content) => content.equals(found)));
    });

    test('concurrent writes and removals under one prefix succeed', async () => {
      for (let i = 0; i < 20; i++) {
        await Promise.all([store.write('busy/a/b', Buffer.from('x')), store.remove('busy/')]);
      }
    });

    const bad = [
      '',
      '/',
      '/etc/passwd',
      '../x',
      'a/../b',
      'a/..',
      'a//b',
      'a/',
      '.tmp/x',
      'a/.b',
      'A',
      'a b',
      'a\\b',
      'ä',
      'a\n',
    ];
    test('every method refuses an invalid key', async () => {
      for (const key of bad) {
        await assert.rejects(store.write(key, Buffer.from('x')), TypeError, JSON.stringify(key));
        await assert.rejects(store.stat(key), TypeError, JSON.stringify(key));
        assert.throws(() => store.read(key), TypeError, JSON.stringify(key));
      }
      for (const prefix of ['', '/', '../', 'a/../', '.tmp/', 'a//']) {
        await assert.rejects(store.remove(prefix), TypeError, JSON.stringify(prefix));
      }
      await assert.rejects(Array.fromAsync(store.list('a')), TypeError);
      await assert.rejects(Array.fromAsync(store.list('../')), TypeError);
    });
  });
}

/** Reads a location as FFmpeg does: a path or a URL. */
async function readLocation(location: string, { start, end }: { start: number; end: number }): Promise<Buffer> {
  if (!location.startsWith('http:')) return buffer(createReadStream(location, { start, end }));
  const answer = await fetch(location, { headers: { range: `bytes=${start}-${end}` } });
  assert.equal(answer.status, 206);
  return Buffer.from(await answer.arrayBuffer());
}

async function* chunks(bytes: Buffer, length: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
