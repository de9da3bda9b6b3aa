import assert from 'node:assert/strict';
import type { TwelvelabsApi } from 'twelvelabs-js';

type Item = TwelvelabsApi.EmbeddingData;

const DIMENSION = 512;

/** Checks the properties of every result: contiguous segments, the requested options and scopes, vectors of norm 1. */
export function checkEmbeddings(
  data: readonly Item[],
  asked: { options: readonly string[]; scopes?: readonly string[]; startSec?: number; endSec: number },
): { segments: { startSec: number; endSec: number }[] } {
  const { options, scopes = ['clip', 'asset'], startSec = 0, endSec } = asked;
  for (const item of data) {
    assert.equal(item.embedding.length, DIMENSION);
    assert.ok(item.embedding.every(Number.isFinite), 'finite');
    assert.ok(Math.abs(Math.hypot(...item.embedding) - 1) < 1e-5, 'normalised');
    assert.ok(options.includes(item.embeddingOption ?? ''), `option ${item.embeddingOption}`);
    assert.ok(scopes.includes(item.embeddingScope ?? ''), `scope ${item.embeddingScope}`);
  }
  const clips = data.filter((item) => item.embeddingScope === 'clip');
  const assets = data.filter((item) => item.embeddingScope === 'asset');
  const key = (item: Item) => `${item.startSec} ${item.endSec}`;
  const segments = [
    ...new Map(clips.map((item) => [key(item), { startSec: item.startSec!, endSec: item.endSec! }])).values(),
  ];
  segments.sort((a, b) => a.startSec - b.startSec);
  if (scopes.includes('clip')) {
    assert.equal(segments[0]?.startSec, startSec, 'the first segment starts where the range does');
    assert.ok(Math.abs(segments.at(-1)!.endSec - endSec) < 1e-6, 'the last segment ends where the range does');
    for (let i = 1; i < segments.length; i++)
      assert.equal(segments[i]!.startSec, segments[i - 1]!.endSec, 'no gap, no overlap');
  }
  assert.equal(clips.length, scopes.includes('clip') ? segments.length * options.length : 0, 'segments × options');
  assert.equal(assets.length, scopes.includes('asset') ? options.length : 0, 'one asset vector an option');
  for (const item of assets) assert.deepEqual([item.startSec, item.endSec], [startSec, endSec]);
  return { segments };
}

/** Cosine similarity of two vectors of norm 1. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
