import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotationOfMatrix } from './rotation.ts';

function matrix(a: number, b: number, c: number, d: number): Buffer {
  const bytes = Buffer.alloc(36);
  [a, b, 0, c, d, 0, 0, 0, 1].forEach((value, i) => {
    bytes.writeInt32LE(value * 0x10000, i * 4);
  });
  return bytes;
}

test('a display matrix rotates by quarter turns; mirroring does not change the rotation', () => {
  assert.equal(rotationOfMatrix(matrix(1, 0, 0, 1)), 0);
  assert.equal(rotationOfMatrix(matrix(0, 1, -1, 0)), 90);
  assert.equal(rotationOfMatrix(matrix(-1, 0, 0, -1)), 180);
  assert.equal(rotationOfMatrix(matrix(0, -1, 1, 0)), 270);
  assert.equal(rotationOfMatrix(matrix(-1, 0, 0, 1)), 0);
});
