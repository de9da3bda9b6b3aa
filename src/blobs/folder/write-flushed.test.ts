import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { BatchedWriter } from './batched-writer.ts';
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
  [3 * MEGABYTE, 'pieces larger than a write'],
] as const) {
  test(`content in ${name} is written unchanged, of any size`, async () => {
    for (const size of [0, 1, 600_000, MEGABYTE, 4 * MEGABYTE, noise.length]) {
      const path = join(folder, `${length}-${size}`);
      const content = noise.subarray(0, size);
      assert.deepEqual(await writeFlushed(path, pieces(content, length)), { size });
      assert.ok(readFileSync(path).equals(content), `${size} bytes`);
    }
  });
}

test('content is written at its position, and the bytes around it stay', async () => {
  for (const position of [0, 10, 4096, MEGABYTE]) {
    const path = join(folder, `at-${position}`);
    const before = Buffer.alloc(8 * MEGABYTE, 7);
    writeFileSync(path, before);
    await writeFlushed(path, pieces(noise, 65_536), { flags: 'r+', position });
    before.set(noise, position);
    assert.ok(readFileSync(path).equals(before), `from ${position}`);
  }
});

test('forty concurrent writers do not disturb each other', async () => {
  const contents = Array.from({ length: 40 }, (_, i) => noise.subarray(i, 2 * MEGABYTE + 2 * i));
  const path = (i: number) => join(folder, `beside-${i}`);
  await Promise.all(contents.map((content, i) => writeFlushed(path(i), pieces(content, 65_536))));
  for (const [i, content] of contents.entries()) assert.ok(readFileSync(path(i)).equals(content), `writer ${i}`);
});

test('backpressure: a slow writer pauses its content instead of buffering it', async () => {
  let written = 0;
  let given = 0;
  let most = 0;
  const file = {
    writev: async (given: Uint8Array[]) => {
      await turn();
      const bytesWritten = given.reduce((sum, { length }) => sum + length, 0);
      written += bytesWritten;
      return { bytesWritten };
    },
  } as unknown as FileHandle;
  await using writer = new BatchedWriter(file, 0);
  for (const piece of Array.from({ length: 400 }, () => Buffer.alloc(65_536))) {
    await writer.write(piece);
    given += piece.length;
    most = Math.max(most, given - written);
  }
  await writer.end();
  assert.equal(written, given);
  assert.ok(most <= MEGABYTE, `${most} bytes`);
});

test('a short write is completed, and its error reaches the next write', async () => {
  const path = join(folder, 'short');
  await using file = await open(path, 'w');
  const short = {
    writev: (pieces: Uint8Array[], position: number) => file.writev([pieces[0]!.subarray(0, 100)], position),
    write: file.write.bind(file),
  } as unknown as FileHandle;
  await using writer = new BatchedWriter(short, 0);
  for await (const piece of pieces(noise, 65_536)) await writer.write(piece);
  await writer.end();
  assert.ok(readFileSync(path).equals(noise));

  const full = { writev: () => Promise.reject(new Error('the disk is full')) } as unknown as FileHandle;
  await using failing = new BatchedWriter(full, 0);
  const writeAll = async () => {
    for await (const piece of pieces(noise, 65_536)) await failing.write(piece);
  };
  await assert.rejects(writeAll, /the disk is full/);
});

test('content that breaks off rejects, and the next write succeeds', async () => {
  const broken = async function* () {
    yield* pieces(noise, 65_536);
    throw new Error('the sender hung up');
  };
  for (let i = 0; i < 20; i++) await assert.rejects(writeFlushed(join(folder, `broken-${i}`), broken()), /hung up/);
  const path = join(folder, 'after');
  await writeFlushed(path, pieces(noise, 65_536));
  assert.ok(readFileSync(path).equals(noise));
});
