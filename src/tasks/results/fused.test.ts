import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIMENSION } from '../../encode/encoder.ts';
import type { EmbeddingRow } from './arrow.ts';
import { type NoteVector, withFused } from './fused.ts';

/** Unit vector along an axis. */
const axis = (index: number) => Float32Array.from({ length: DIMENSION }, (_, i) => (i === index ? 1 : 0));
const row = (segment: number, startSec: number, endSec: number): EmbeddingRow => ({
  segment,
  startSec,
  endSec,
  option: 'visual',
  scope: 'clip',
  embedding: axis(0),
});
const note = (startSec: number, endSec: number): NoteVector => ({ startSec, endSec, embedding: axis(1) });

/** Share of the notes in the fused vector of each segment. */
async function shares(notes: NoteVector[]): Promise<number[]> {
  async function* rows() {
    yield* [row(0, 0, 4), row(1, 4, 8), row(2, 8, 12)];
  }
  const fused = await Array.fromAsync(withFused(rows(), 'instead', notes));
  assert.deepEqual(
    fused.map(({ option, segment }) => [option, segment]),
    [0, 1, 2].map((segment) => ['fused', segment]),
  );
  return fused.map(({ embedding }) => Math.round(embedding[1]! * 100) / 100);
}

test('a note joins the fused vector of every segment that it overlaps', async () => {
  assert.deepEqual(await shares([]), [0, 0, 0]);
  assert.deepEqual(await shares([note(3, 5)]), [0.71, 0.71, 0]);
  assert.deepEqual(await shares([note(4, 8)]), [0, 0.71, 0], 'edges do not overlap');
  assert.deepEqual(await shares([note(4, 4)]), [0, 0.71, 0], 'a moment belongs to one segment');
  assert.deepEqual(await shares([note(5, 5), note(6, 6)]), [0, 0.89, 0], 'each note counts as one vector');
});
