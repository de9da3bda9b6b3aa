import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHUNK_SEC, planChunks } from './plan.ts';

const fixed = (durationSec: number) => ({ strategy: 'fixed', durationSec }) as const;
const dynamic = { strategy: 'dynamic', minDurationSec: 4 } as const;
const lengths = (chunks: readonly { startSec: number; endSec: number }[]) =>
  chunks.map(({ startSec, endSec }) => endSec - startSec);

test('chunks cover the range without gap or overlap, and none is too long', () => {
  for (const end of [4, 59, 300, 301, 301.3, 320, 600, 601, 659.9, 661, 3600, 14400]) {
    for (const segmentation of [fixed(7), dynamic]) {
      const chunks = planChunks({ startSec: 1.25, endSec: end }, segmentation);
      assert.equal(chunks[0]?.startSec, 1.25);
      assert.equal(chunks.at(-1)?.endSec, end);
      for (let i = 1; i < chunks.length; i++) assert.equal(chunks[i]?.startSec, chunks[i - 1]?.endSec);
      assert.ok(lengths(chunks).every((sec) => sec > 0 && sec <= CHUNK_SEC));
    }
  }
});

test('the number of chunks is even, and their lengths differ by at most one segment', () => {
  for (const end of [301, 607.5, 1296.12, 3600, 14_257.3]) {
    for (const [segmentation, unit] of [[fixed(7), 7] as const, [dynamic, 1] as const]) {
      const sec = lengths(planChunks({ startSec: 0, endSec: end }, segmentation));
      assert.equal(sec.length % 2, 0);
      assert.ok(Math.max(...sec) - Math.min(...sec) <= 2 * unit, `${end} s: ${sec}`);
    }
  }
});

test('a chunk of fixed segments holds a whole number of them', () => {
  const chunks = planChunks({ startSec: 0, endSec: 4000 }, fixed(7));
  assert.ok(chunks.length > 5);
  for (const { startSec } of chunks) assert.equal(startSec % 7, 0);
});

test('a range no longer than a chunk is one chunk', () => {
  assert.deepEqual(planChunks({ startSec: 2, endSec: 2 + CHUNK_SEC }, dynamic), [
    { startSec: 2, endSec: 2 + CHUNK_SEC },
  ]);
});

test('a maximum shorter than a segment gives chunks of one segment', () => {
  const chunks = planChunks({ startSec: 0, endSec: 28 }, fixed(10), 5);
  assert.deepEqual(lengths(chunks), [10, 10, 8]);
});
