import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BlockCache } from './block-cache.ts';

const parent = await mkdtemp(join(tmpdir(), 'reelvec-blocks-'));
after(() => rm(parent, { recursive: true }));
let folders = 0;

function openCache(maxBytes: number) {
  const folder = join(parent, `${++folders}`);
  const cache = new BlockCache({ folder, maxBytes });
  const loads: string[] = [];
  const get = (name: string, size = 100) =>
    cache.get(name, async () => {
      loads.push(name);
      return Buffer.alloc(size, name);
    });
  const onDisk = () => readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  return { cache, folder, get, loads, onDisk };
}

test('a block is loaded once for all concurrent and later reads', async () => {
  const { get, loads } = openCache(1000);
  const found = await Promise.all([get('a'), get('a'), get('b')]);
  assert.deepEqual(found[1], Buffer.alloc(100, 'a'));
  assert.deepEqual(await get('a'), Buffer.alloc(100, 'a'));
  assert.deepEqual(loads, ['a', 'b']);
});

test('the cache stays within its size limit and evicts the least recently used block', async () => {
  const { get, loads, onDisk, cache } = openCache(300);
  for (const name of ['a', 'b', 'c', 'a', 'd']) await get(name);
  assert.equal(onDisk(), 300);
  assert.equal(cache.bytes, 300);
  await get('a');
  assert.deepEqual(loads, ['a', 'b', 'c', 'd'], 'a was used after b, so b went');
  await get('b');
  assert.equal(loads.at(-1), 'b');
  await get('huge', 301);
  assert.ok(onDisk() <= 300);
});

test('a missing or truncated file is loaded again', async () => {
  const { get, loads, folder } = openCache(1000);
  await get('a');
  for (const file of readdirSync(folder)) rmSync(join(folder, file));
  assert.deepEqual(await get('a'), Buffer.alloc(100, 'a'));
  for (const file of readdirSync(folder)) await writeFile(join(folder, file), 'cut');
  assert.deepEqual(await get('a'), Buffer.alloc(100, 'a'));
  assert.deepEqual(loads, ['a', 'a', 'a']);
});

test('a failed load rejects for all its callers, and the next call retries', async () => {
  const { cache, get } = openCache(1000);
  const failing = () => cache.get('a', () => Promise.reject(new Error('the store is away')));
  await Promise.all([assert.rejects(failing(), /away/), assert.rejects(failing(), /away/)]);
  assert.deepEqual(await get('a'), Buffer.alloc(100, 'a'));
});

test('closing empties the folder of a used cache, and not of an unused one', async () => {
  const { cache, get, folder } = openCache(1000);
  await get('a');
  const other = new BlockCache({ folder, maxBytes: 1000 });
  await other.close();
  assert.equal(readdirSync(folder).length, 1);
  await cache.close();
  assert.ok(!existsSync(folder));
});

test('blocks that are loaded during the close leave no files', async () => {
  for (let round = 0; round < 10; round++) {
    const { cache, folder, get } = openCache(2 ** 30);
    await get('first');
    const late = Promise.withResolvers<Uint8Array>();
    const loading = cache.get('late', () => late.promise);
    const writing = Array.from({ length: 50 }, (_, i) => get(`${i}`, 100_000));
    await writing[round * 5];
    await cache.close();
    assert.ok(!existsSync(folder));
    late.resolve(Buffer.alloc(100));
    assert.equal((await loading).length, 100);
    await Promise.all(writing);
    assert.ok(!existsSync(folder));
  }
});
