import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlockCache } from './block-cache.ts';
import { RangeServer, type RemoteBlob } from './range-server.ts';

const BLOCK = 1000;
const content = Buffer.from(Array.from({ length: 10 * BLOCK }, (_, i) => (i * 2654435761) >>> 24));
const folder = await mkdtemp(join(tmpdir(), 'reelvec-ranges-'));
after(() => rm(folder, { recursive: true, force: true }));

let versions = 0;
/** @param read default: returns the content */
function blob(read?: RemoteBlob['read']): RemoteBlob {
  const whole: RemoteBlob['read'] = ({ start, end }) => Readable.from([content.subarray(start, end + 1)]);
  return { version: `v${++versions}`, size: content.length, read: read ?? whole };
}

function openServer(slowMs?: number): RangeServer {
  const cache = new BlockCache({ folder: join(folder, `cache${versions}`), maxBytes: 100 * BLOCK });
  return new RangeServer({ cache, blockBytes: BLOCK, ...(slowMs !== undefined && { slowMs }) });
}

async function readAll(url: string): Promise<number> {
  const answer = await fetch(url);
  return (await answer.bytes().catch(() => new Uint8Array())).length;
}

for (const [what, read] of [
  ['that ends early', ({ start }) => Readable.from([content.subarray(start, start + 10)])],
  ['that breaks off', () => Readable.from(brokenOff())],
] as [string, RemoteBlob['read']][]) {
  test(`work that read a blob ${what} has no result, even if it succeeded with the bytes that it got`, async () => {
    await using server = openServer();
    const sometimes: RemoteBlob['read'] = (range) => (range.start < 5 * BLOCK ? blob().read(range) : read(range));
    await assert.rejects(server.lease(blob(sometimes), readAll), /early|reset/);
    assert.equal(await server.lease(blob(), readAll), content.length);
  });
}

test('work that reads during the close has no result', async () => {
  const server = openServer();
  const work = server.lease(blob(), async (url) => {
    await readAll(url);
    await server[Symbol.asyncDispose]();
    return readAll(url).catch(() => 0);
  });
  await assert.rejects(work, /was closed/);
});

test('a failure after a slow read is reported as one of the store, a result is not', async () => {
  await using server = openServer(100);
  const slow: RemoteBlob['read'] = (range) => Readable.from(late(blob().read(range)));
  assert.equal(await server.lease(blob(slow), readAll), content.length);
  const broken = (url: string) => readAll(url).then(() => Promise.reject(new Error('broken media')));
  await assert.rejects(server.lease(blob(), broken), /^Error: broken media/);
  await assert.rejects(server.lease(blob(slow), broken), /store was slow/);
  const never = blob(() => new Readable({ read() {} }));
  const impatient = async (url: string) => {
    await fetch(url, { signal: AbortSignal.timeout(300) }).then((answer) => answer.bytes());
  };
  await assert.rejects(server.lease(never, impatient), /store was slow/);
});

// biome-ignore lint/correctness/useYield: it fails before it has anything
async function* brokenOff(): AsyncGenerator<Uint8Array> {
  throw new Error('reset');
}

async function* late(bytes: Readable): AsyncGenerator<Uint8Array> {
  await sleep(150);
  yield* bytes;
}
