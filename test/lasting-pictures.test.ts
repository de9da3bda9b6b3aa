import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { TimeRange } from '../src/domain/time-range.ts';
import { openBundle } from '../src/encode/bundles.ts';
import { probe } from '../src/media/probe.ts';
import { embedChunk } from '../src/pipeline/embed-chunk.ts';
import type { EmbeddedChunk, EmbedJob } from '../src/workers/protocol.ts';
import { makeMedia } from './support/make-media.ts';

/** Tests what docs/media.md states about pictures of long duration, in chunks of any length. */

const folder = mkdtempSync(join(tmpdir(), 'reelvec-lasting-'));
after(() => rmSync(folder, { recursive: true }));

/** A picture every `everySec` seconds, in a container with or without the duration of each. */
const slides = (name: string, everySec: number) =>
  makeMedia(join(folder, name), { video: `testsrc2=size=640x360:rate=1/${everySec}:duration=48` });

async function embed(path: string, overrides: Partial<EmbedJob> = {}): Promise<EmbeddedChunk> {
  const media = probe(path);
  const job: EmbedJob = {
    path,
    range: { startSec: 0, endSec: media.durationSec },
    ...(media.clock && { clock: media.clock }),
    segmentation: { strategy: 'fixed', durationSec: 2 },
    options: [...(media.video ? (['visual'] as const) : []), ...(media.audio ? (['audio'] as const) : [])],
    ...overrides,
  };
  return embedChunk(job, await openBundle('signal'), () => {});
}

/** Visual vectors of a file that is embedded in chunks of `chunkSec` seconds. */
async function inChunks(path: string, chunkSec: number, overrides: Partial<EmbedJob> = {}) {
  const { durationSec } = probe(path);
  const vectors: (Float32Array | undefined)[] = [];
  for (let startSec = 0; startSec < durationSec - 0.5; startSec += chunkSec) {
    const endSec = startSec + chunkSec > durationSec - 0.5 ? durationSec : startSec + chunkSec;
    const range: TimeRange = { startSec, endSec };
    vectors.push(...(await embed(path, { range, ...overrides })).vectors.visual!);
  }
  return vectors;
}

test('a cover picture lasts as long as the sound, in every chunk, with and without the sound', async () => {
  for (const ending of ['mp4', 'mkv', 'flv', 'ts']) {
    const path = makeMedia(join(folder, `podcast.${ending}`), {
      video: 'testsrc2=size=640x360:rate=25:duration=0.04',
      audio: 'sine=frequency=440:duration=80',
    });
    const whole = await inChunks(path, 80);
    assert.equal(whole.length, 40);
    for (const vector of whole) assert.deepEqual(vector, whole[0], ending);
    assert.deepEqual(await inChunks(path, 16), whole, ending);
    assert.deepEqual(await inChunks(path, 16, { options: ['visual'] }), whole, ending);
  }
});

test('slides give the same vectors for any chunk length', async () => {
  for (const name of ['slides.mp4', 'slides.mkv', 'slides.ts', 'slides.flv', 'slides.nut']) {
    const path = slides(name, 7);
    const whole = await inChunks(path, 1000);
    assert.ok(whole.every(Boolean), name);
    assert.deepEqual(await inChunks(path, 10), whole, name);
  }
});

test('a chunk of MPEG-TS that begins in a long group of pictures is decoded from its key frame', async () => {
  const video = 'testsrc2=size=640x360:rate=10:duration=24';
  const path = makeMedia(join(folder, 'gop.ts'), { video });
  const whole = await inChunks(path, 1000);
  assert.ok(whole.every(Boolean));
  assert.deepEqual(await inChunks(path, 6), whole);
});
