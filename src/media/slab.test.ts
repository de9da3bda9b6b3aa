import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Slab } from './slab.ts';

describe('Slab', () => {
  it('allocates pieces without overlap from one block until it is full', () => {
    const slab = new Slab();
    const pieces = Array.from({ length: 1000 }, (_, i) => slab.bytes(1001).fill(i));
    for (const [i, piece] of pieces.entries()) assert.ok(piece.every((value) => value === i % 256));
    const blocks = new Set(pieces.map(({ buffer }) => buffer));
    assert.equal(blocks.size, 2, 'a million bytes are two blocks of half a megabyte');
  });

  it('aligns each piece for its type', () => {
    const slab = new Slab();
    slab.bytes(3);
    assert.equal(slab.shorts(5).byteOffset % 8, 0);
    slab.bytes(1);
    const four = slab.bytes(16);
    assert.doesNotThrow(() => new Float32Array(four.buffer, four.byteOffset, 4));
  });

  it('allocates large pieces separately, and never more than requested', () => {
    const slab = new Slab();
    const large = slab.bytes(1_000_000);
    assert.equal(large.length, 1_000_000);
    assert.equal(large.buffer.byteLength, 1_000_000);
    assert.notEqual(slab.bytes(1).buffer, large.buffer);
  });
});
