import assert from 'node:assert/strict';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BlockCache } from '../src/blobs/s3/block-cache.ts';
import { RangeServer } from '../src/blobs/s3/range-server.ts';
import { S3BlobStore } from '../src/blobs/s3/store.ts';
import { readConfig } from '../src/config.ts';
import { isReelvecError } from '../src/errors.ts';
import { mediaWorkers } from '../src/start/media-workers.ts';
import type { WorkerPool } from '../src/workers/pool.ts';
import type { EmbeddedChunk, OnProgress } from '../src/workers/protocol.ts';
import { runWithRetry } from '../src/workers/retry.ts';
import { loopMedia } from './support/loop-media.ts';
import { makeMedia } from './support/make-media.ts';
import { type Fault, s3Server } from './support/s3-server.ts';
import { childrenOf } from './support/server.ts';

/** Tests that faults during reads of media cost time, but never change the result. */

const BLOCK_BYTES = 64 * 1024;
/** Longer than the default keep-alive timeout of an HTTP server, 6 s. */
const FROZEN_MS = 7500;
const folder = mkdtempSync(join(tmpdir(), 'reelvec-reading-'));
after(() => rmSync(folder, { recursive: true }));

/** `npm test` runs some of the faults; `npm run test:faults` runs all, which takes minutes. */
const ALL = process.env['REELVEC_TEST_ROUNDS'] !== undefined;
const range = { startSec: 0, endSec: 80 };
const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
let workers: WorkerPool;
let s3: Awaited<ReturnType<typeof s3Server>>;
let films: Record<string, { path: string; undisturbed: EmbeddedChunk }>;

before(async () => {
  workers = stack.use(mediaWorkers(readConfig({}, {}), { size: 1 }));
  s3 = stack.use(await s3Server());
  films = {};
  for (const name of ['film.mp4', 'film.mkv', 'film.ts']) {
    const round = makeMedia(join(folder, `round-${name}`), {
      video: 'testsrc2=size=320x240:rate=12:duration=20',
      audio: 'anoisesrc=color=pink:duration=20',
    });
    const path = loopMedia(join(folder, name), { of: round, times: 4, everySec: 20.5 });
    films[name] = { path, undisturbed: await embed(path) };
  }
});

function embed(path: string, onProgress?: OnProgress): Promise<EmbeddedChunk> {
  const segmentation = { strategy: 'fixed', durationSec: 5 } as const;
  const job = { kind: 'embed', path, range, segmentation, options: ['visual', 'audio'] } as const;
  return runWithRetry<'embed'>(workers, job, { ...(onProgress && { onProgress }) });
}

/** Film in a separate bucket, with an empty cache. */
async function upload(path: string): Promise<S3BlobStore & AsyncDisposable> {
  const bucket = s3.bucket();
  const cache = new BlockCache({ folder: join(folder, bucket), maxBytes: 2 ** 30 });
  const store = new S3BlobStore({
    bucket,
    prefix: '',
    endpoint: s3.endpoint,
    region: 'us-east-1',
    pathStyle: true,
    ranges: new RangeServer({ cache, blockBytes: BLOCK_BYTES }),
  });
  await store.write('film', createReadStream(path));
  return store;
}

/** Fault of each read of the store, by the read's number. */
function readsMeet(faultOf: (read: number) => Fault): void {
  let reads = 0;
  s3.faults(({ method, range: asked }) => (method === 'GET' && asked ? faultOf(reads++) : undefined));
}

/**
 * Fault of the first read of each range, by the range's number. Repeated reads succeed: with several readers at once, the
 * attempts of one could all have the numbers that fail.
 */
function firstReadsMeet(faultOf: (range: number) => Fault): void {
  const asked = new Set<string>();
  s3.faults(({ method, range }) => {
    const key = JSON.stringify(range);
    if (method !== 'GET' || !range || asked.has(key)) return undefined;
    asked.add(key);
    return faultOf(asked.size - 1);
  });
}

for (const name of ['film.mp4', 'film.mkv', 'film.ts']) {
  test(`${name}: a frozen reader resumes`, {
    skip: !ALL && name !== 'film.mp4' && 'takes minutes: npm run test:faults',
  }, async () => {
    const { path, undisturbed } = films[name]!;
    await using store = await upload(path);
    let isFrozen = false;
    const freeze = (doneSec: number) => {
      if (isFrozen || doneSec < 10) return;
      isFrozen = true;
      const [pid] = childrenOf(process.pid);
      process.kill(pid!, 'SIGSTOP');
      setTimeout(() => process.kill(pid!, 'SIGCONT'), FROZEN_MS);
    };
    const chunk = await store.use('film', (url) => embed(url, freeze));
    assert.ok(isFrozen, 'there was progress to be frozen at');
    assertSame(chunk, undisturbed);
  });

  test(`${name}: a store that refuses, fails or truncates the first read of every other range changes nothing`, async () => {
    const { path, undisturbed } = films[name]!;
    await using store = await upload(path);
    const faults = ['refuse', 'fail', 'break-off'] as const;
    firstReadsMeet((range) => (range % 2 === 1 ? faults[(range >> 1) % 3] : undefined));
    assertSame(await store.use('film', (url) => embed(url)), undisturbed);
    s3.faults(() => undefined);
  });

  for (const fault of ALL ? (['refuse', 'fail', 'break-off'] as const) : (['fail'] as const)) {
    for (const from of ALL ? [0, 1, 2, 5, 8] : [2]) {
      test(`${name}: a store whose reads all "${fault}" from number ${from} on is a server fault, and transient`, async () => {
        const { path, undisturbed } = films[name]!;
        await using store = await upload(path);
        readsMeet((read) => (read >= from ? fault : undefined));
        const work = () => store.use('film', (url) => embed(url));
        await assert.rejects(work(), (error) => !isReelvecError(error) || error.status >= 500);
        s3.faults(() => undefined);
        assertSame(await work(), undisturbed);
      });
    }
  }
}

function assertSame(chunk: EmbeddedChunk, undisturbed: EmbeddedChunk): void {
  assert.deepEqual(chunk.segments, undisturbed.segments);
  assert.deepEqual([chunk.damages, chunk.missingSec], [undisturbed.damages, undisturbed.missingSec]);
  assert.ok(JSON.stringify(chunk.vectors) === JSON.stringify(undisturbed.vectors), 'the same vectors');
}
