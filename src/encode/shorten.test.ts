import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shorten } from './shorten.ts';

test('a shorter vector is the beginning of the long one, of length 1', () => {
  const vector = Float32Array.of(0.6, 0, 0.8, 0);
  assert.deepEqual(shorten(vector, 2), Float32Array.of(1, 0));
  assert.deepEqual(shorten(vector, 4), vector);
  const odd = shorten(Float32Array.of(0.3, 0.4, Math.sqrt(0.75)), 2);
  assert.ok(Math.abs(Math.hypot(...odd) - 1) < 1e-7);
  assert.ok(Math.abs(odd[0]! / odd[1]! - 0.75) < 1e-6);
});

test('a beginning of nothing but zeros still gives a unit vector', () => {
  assert.deepEqual(shorten(Float32Array.of(0, 0, 1), 2), Float32Array.of(1, 0));
});
