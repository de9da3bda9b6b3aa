import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHUNK_SEC, planChunks } from './plan.ts';

const fixed = (durationSec: number) => ({ strategy: 'fixed', durationSec }) as const;
const dynamic = { strategy: 'dynamic', minDurationSec: 4 } as const;

test('chunks cover the range without gap or overlap', () => {
  for (const end of [4, 59, 600, 601, 659.9, 660, 661, 3600, 14400]) {
    for (const segmentation of [fixed(7), dynamic]) {
      const chunks = planChunks({ startSec: 1.25, endSec: end }, segmentation);
      assert.equal(chunks[0]?.startSec, 1.25);
      assert.equal(chunks.at(-1)?.endSec, end);
      for (let i = 1; i < chunks.length; i++) assert.equal(chunks[i]?.startSec, chunks[i - 1]?.endSec);
      assert.ok(chunks.every(({ startSec, endSec }) => endSec - startSec <= CHUNK_SEC + 60));
    }
  }
});

test('a chunk of fixed segments holds a whole number of them', () => {
  const chunks = planChunks({ startSec: 0, endSec: 4000 }, fixed(7));
  assert.ok(chunks.length > 5);
  for (const { startSec } of chunks) assert.equal(startSec % 7, 0);
});

test('a short tail makes no chunk of its own', () => {
  assert.deepEqual(planChunks({ startSec: 0, endSec: 650 }, dynamic), [{ startSec: 0, endSec: 650 }]);
  assert.equal(planChunks({ startSec: 0, endSec: 661 }, dynamic).length, 2);
});
