import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeFlushed } from './write-flushed.ts';

const MEGABYTE = 1024 ** 2;
const folder = mkdtempSync(join(tmpdir(), 'reelvec-writes-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const noise = randomBytes(5 * MEGABYTE + 123);

async function* pieces(bytes: Uint8Array, length: number) {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

for (const [length, name] of [
  [1000, 'small pieces'],
  [65_536, 'pieces of 64 KB'],
  [3 * MEGABYTE, 'pieces of more than a block'],
] as const) {
  test(`content in ${name} is written as it was, of any size`, async () => {
    for (const size of [0, 1, 600_000, MEGABYTE, 4 * MEGABYTE, noise.length]) {
      const path = join(folder, `${length}-${size}`);
      const content = noise.subarray(0, size);
      assert.deepEqual(await writeFlushed(path, pieces(content, length)), { size });
      assert.ok(readFileSync(path).equals(content), `${size} bytes`);
    }
  });
}

test('content goes where it belongs in a file and touches nothing beside it', async () => {
  for (const position of [0, 10, 4096, MEGABYTE]) {
    const path = join(folder, `at-${position}`);
    const before = Buffer.alloc(8 * MEGABYTE, 7);
    writeFileSync(path, before);
    await writeFlushed(path, pieces(noise, 65_536), { flags: 'r+', position });
    before.set(noise, position);
    assert.ok(readFileSync(path).equals(before), `from ${position}`);
  }
});

test('forty writers at once do not get into each other’s way', async () => {
  const contents = Array.from({ length: 40 }, (_, i) => noise.subarray(i, 2 * MEGABYTE + 2 * i));
  const path = (i: number) => join(folder, `beside-${i}`);
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const watched = async function* (content: Uint8Array) {
    for await (const piece of pieces(content, 65_536)) {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      yield piece;
    }
  };
  await Promise.all(contents.map((content, i) => writeFlushed(path(i), watched(content))));
  assert.ok(most <= 48 * MEGABYTE, `${Math.round(most / MEGABYTE)} MB of blocks`);
  for (const [i, content] of contents.entries()) assert.ok(readFileSync(path(i)).equals(content), `writer ${i}`);
});

test('content that breaks off is told of, and the next is written as ever', async () => {
  const broken = async function* () {
    yield* pieces(noise, 65_536);
    throw new Error('the sender hung up');
  };
  for (let i = 0; i < 20; i++) await assert.rejects(writeFlushed(join(folder, `broken-${i}`), broken()), /hung up/);
  const path = join(folder, 'after');
  await writeFlushed(path, pieces(noise, 65_536));
  assert.ok(readFileSync(path).equals(noise));
});

test('what passes through does not stay in memory', async () => {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const fresh = async function* () {
    for (let i = 0; i < 4000; i++) {
      yield Buffer.allocUnsafeSlow(65_536);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
  };
  await writeFlushed(join(folder, 'long'), fresh());
  assert.ok(most < 64 * MEGABYTE, `${Math.round(most / MEGABYTE)} of 250 MB`);
});
