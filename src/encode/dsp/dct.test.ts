import assert from 'node:assert/strict';
import { it } from 'node:test';
import { lowFrequencies } from './dct.ts';

it('finds a wave at its frequency and nowhere else', () => {
  const side = 16;
  const wave = Array.from({ length: side * side }, (_, at) => {
    const [x, y] = [at % side, Math.floor(at / side)];
    return Math.cos((Math.PI * 2 * (x + 0.5)) / side) * Math.cos((Math.PI * (y + 0.5)) / side);
  });
  for (const [at, value] of lowFrequencies(wave, side, 4).entries()) {
    assert.ok(Math.abs(value - (at === 1 * 4 + 2 ? 0.25 : 0)) < 1e-12);
  }
});

it('begins with the mean', () => {
  assert.equal(lowFrequencies([1, 2, 3, 6], 2, 1)[0], 3);
});
