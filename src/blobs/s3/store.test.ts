import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { blobStoreContract } from '../../../test/support/contracts/blob-store.ts';
import { type S3Server, s3Server } from '../../../test/support/s3-server.ts';
import { BlockCache } from './block-cache.ts';
import { RangeServer } from './range-server.ts';
import { S3BlobStore } from './store.ts';

const MEGABYTE = 1024 ** 2;
const server = await s3Server();
after(() => server[Symbol.asyncDispose]());

async function openStore(s3: S3Server = server, { prefix = 'some/prefix/', bucket = s3.bucket() } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'reelvec-cache-'));
  const cache = new BlockCache({ folder: join(folder, 'cache'), maxBytes: 64 * MEGABYTE });
  const ranges = new RangeServer({ cache, blockBytes: MEGABYTE });
  const { endpoint } = s3;
  const store = new S3BlobStore({ bucket, prefix, endpoint, region: 'us-east-1', pathStyle: true, ranges });
  const close = async () => {
    await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  };
  after(close);
  return { store, bucket };
}

blobStoreContract('A bucket', async () => ({ ...(await openStore()), close: async () => {} }));

const noise = (size: number) => Buffer.from(Array.from({ length: size }, (_, i) => (i * 2654435761) >>> 24));
const large = noise(20 * MEGABYTE);
async function* pieces(bytes: Buffer, length = 100_000) {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

test('a large blob is written in parts and read unchanged', async () => {
  const { store } = await openStore();
  await store.write('large', pieces(large));
  assert.ok((await buffer(store.read('large'))).equals(large));
  // Whole parts: the last part is not empty.
  await store.write('whole', pieces(large.subarray(0, 16 * MEGABYTE)));
  assert.equal((await store.stat('whole'))?.size, 16 * MEGABYTE);
});

test('a part that is refused permanently ends the write, which stops reading and removes the parts', async () => {
  await using s3 = await s3Server();
  const { store } = await openStore(s3);
  let read = 0;
  // Other parts continue during the retries of this one, for as long as its backoff takes.
  let readAtLastRefusal = 0;
  s3.faults(({ url }) => {
    if (!/partNumber=2\b/.test(url)) return undefined;
    readAtLastRefusal = read;
    return 'refuse';
  });
  const endless = async function* () {
    for (;;) {
      await new Promise(setImmediate);
      read += MEGABYTE;
      yield large.subarray(0, MEGABYTE);
    }
  };
  await assert.rejects(store.write('refused', endless()));
  assert.ok(readAtLastRefusal > 0);
  assert.ok(read - readAtLastRefusal <= 32 * MEGABYTE, `${read - readAtLastRefusal} bytes were read after it`);
  assert.equal(await store.stat('refused'), undefined);
  assert.ok(s3.requests.some(({ method, url }) => method === 'DELETE' && url.includes('uploadId=')));
});

test('an abort of a large write removes its parts', async () => {
  await using s3 = await s3Server();
  const { store } = await openStore(s3);
  const abort = new AbortController();
  const broken = async function* () {
    yield large;
    abort.abort(new Error('cancelled'));
    yield large;
  };
  await assert.rejects(store.write('aborted', broken(), { signal: abort.signal }), /cancelled/);
  assert.ok(s3.requests.some(({ method, url }) => method === 'DELETE' && url.includes('uploadId=')));
  assert.equal(await store.stat('aborted'), undefined);
});

test('a request that is refused once is retried', async () => {
  await using s3 = await s3Server();
  const { store } = await openStore(s3);
  const refused = new Set<string>();
  s3.faults(({ method, url }) => {
    const first = !refused.has(method + url);
    refused.add(method + url);
    return first ? 'refuse' : undefined;
  });
  await store.write('large', pieces(large));
  assert.ok((await buffer(store.read('large'))).equals(large));
});

test('a transfer that breaks off resumes', async () => {
  await using s3 = await s3Server();
  const { store } = await openStore(s3);
  await store.write('large', pieces(large));
  let transfers = 0;
  s3.faults(({ method }) => (method === 'GET' && ++transfers <= 6 ? 'break-off' : undefined));
  assert.ok((await buffer(store.read('large', { start: 5 }))).equals(large.subarray(5)));
  assert.equal(transfers, 7);
});

test('a blob that is replaced during a read is not mixed with its successor', async () => {
  await using s3 = await s3Server();
  const { store } = await openStore(s3);
  const film = large.subarray(0, MEGABYTE);
  await store.write('film', film);
  let transfers = 0;
  const { promise: replaced, resolve } = Promise.withResolvers<void>();
  s3.faults(({ method }) => {
    if (method !== 'GET') return undefined;
    return ++transfers === 1 ? 'break-off' : replaced.then(() => undefined);
  });
  const reading = async () => {
    for await (const _ of store.read('film')) resolve(store.write('film', Buffer.from(film).reverse()).then(() => {}));
  };
  await assert.rejects(reading(), /pre-?conditions?/i);
  assert.equal(transfers, 2);
});

test('stores with different prefixes neither see nor remove the blobs of others', async () => {
  const bucket = server.bucket();
  const { store } = await openStore(server, { bucket, prefix: 'one/' });
  const { store: other } = await openStore(server, { bucket, prefix: 'other/' });
  await store.write('a/b', Buffer.from('x'));
  assert.deepEqual(await Array.fromAsync(other.list('')), []);
  await other.remove('a/');
  await other.remove('a/b');
  assert.ok(await store.stat('a/b'));
});

test('a missing bucket or an unreachable store is named at startup', async () => {
  const { store } = await openStore(server, { bucket: 'no-such-bucket' });
  await assert.rejects(store.check(), /The bucket no-such-bucket at http.* cannot be used: NoSuchBucket/);
  await (await openStore()).store.check();
});

test('`use` fetches only the requested blocks, each once', async () => {
  await using s3 = await s3Server();
  const { store } = await openStore(s3);
  await store.write('film', pieces(large));
  s3.requests.length = 0;
  const ask = async (location: string, start: number, end: number) => {
    const answer = await fetch(location, { headers: { range: `bytes=${start}-${end}` } });
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(large.subarray(start, end + 1)));
  };
  const fetched = () => s3.requests.filter(({ method }) => method === 'GET').reduce((sum, { bytes }) => sum + bytes, 0);
  await store.use('film', async (location) => {
    await ask(location, 10 * MEGABYTE + 5, 10 * MEGABYTE + 100);
    assert.equal(fetched(), MEGABYTE);
    await Promise.all([
      ask(location, 10 * MEGABYTE, 11 * MEGABYTE - 1),
      ask(location, 2 * MEGABYTE - 10, 2 * MEGABYTE + 10),
      ask(location, 2 * MEGABYTE - 20, 2 * MEGABYTE + 20),
    ]);
    assert.ok(fetched() <= 4 * MEGABYTE, `${fetched()} bytes`);
  });
  // A later reader: the block is still on disk.
  await store.use('film', (location) => ask(location, 10 * MEGABYTE, 10 * MEGABYTE + 9));
  const ranges = s3.requests.flatMap(({ method, range }) => (method === 'GET' ? [range] : []));
  assert.deepEqual(ranges, [...new Set(ranges)]);
});

test('work on a blob that could not be read fails, whatever its result', async () => {
  await using s3 = await s3Server();
  const { store } = await openStore(s3);
  await store.write('film', pieces(large));
  s3.faults(({ method }) => (method === 'GET' ? 'refuse' : undefined));
  const work = store.use('film', async (location) => {
    await fetch(location, { headers: { range: 'bytes=0-9' } })
      .then((answer) => answer.arrayBuffer())
      .catch(() => {});
    return 'half of it';
  });
  await assert.rejects(work, (error: { $metadata?: { httpStatusCode?: number } }) => {
    return error.$metadata?.httpStatusCode === 503;
  });
});

test('a blob that is replaced during `use` is not mixed with its successor', async () => {
  const { store } = await openStore();
  await store.write('film', pieces(large));
  const work = store.use('film', async (location) => {
    await store.write('film', pieces(Buffer.from(large).reverse()));
    await fetch(location, { headers: { range: 'bytes=0-9' } })
      .then((answer) => answer.arrayBuffer())
      .catch(() => {});
  });
  await assert.rejects(work, /pre-?conditions?/i);
});

test('the URL of a blob is invalid after `use`, and other URLs are refused', async () => {
  const { store } = await openStore();
  await store.write('film', Buffer.from('film'));
  const location = await store.use('film', async (url) => url);
  assert.equal((await fetch(location)).status, 404);
  assert.equal((await fetch(new URL('/film', location))).status, 404);
});
