import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { noise } from '../../test/support/noise.ts';
import { DIMENSION } from './encoder.ts';
import { encoderVector, meanVector, shorten, toUnit, WeightedMean } from './vectors.ts';

const random = noise(1);
const randomUnit = () => toUnit(Float64Array.from({ length: DIMENSION }, random))!;
const opposite = (vector: Float32Array) => vector.map((value) => -value);

test('a vector is scaled to norm 1', () => {
  assert.deepEqual(toUnit([3, 4]), Float32Array.of(0.6, 0.8));
  assert.deepEqual(toUnit([0, 1e-6]), Float32Array.of(0, 1));
});

test('a vector without a direction has no unit vector', () => {
  for (const values of [
    [0, 0],
    [1e-10, 0],
    [Number.NaN, 1],
    [Number.POSITIVE_INFINITY, 1],
  ]) {
    assert.equal(toUnit(values), undefined, values.join());
  }
});

test('a vector of a model is truncated or filled with zeros, then scaled', () => {
  const long = Float32Array.from({ length: 768 }, random);
  assert.deepEqual(encoderVector(long), toUnit(long.subarray(0, DIMENSION)));
  const short = Float32Array.from({ length: 384 }, random);
  const vector = encoderVector(short);
  assert.deepEqual(vector.subarray(0, 384), toUnit(short));
  assert.ok(vector.length === DIMENSION && vector.subarray(384).every((value) => value === 0));
  assert.throws(() => encoderVector([0, 0]), /norm 0/);
});

describe('mean of vectors', () => {
  it('weighs them', () => {
    const [a, b] = [randomUnit(), randomUnit()];
    const mean = new WeightedMean();
    mean.add(a, 3);
    mean.add(b, 1);
    const expected = toUnit(a.map((value, i) => (3 * value + b[i]!) / 4))!;
    for (const [i, value] of mean.get().entries()) assert.ok(Math.abs(value - expected[i]!) < 1e-6);
  });

  it('of one is that vector, bit for bit', () => {
    const vector = randomUnit();
    assert.equal(meanVector([vector]), vector);
  });

  it('is the first vector if they cancel out, even with rounding errors', () => {
    const a = randomUnit();
    assert.deepEqual(meanVector([a, opposite(a)]), a);
    const mean = new WeightedMean();
    for (const weight of [0.1, 0.2]) mean.add(a, weight);
    mean.add(opposite(a), 0.3); // 0.1 + 0.2 − 0.3 is not 0
    assert.deepEqual(mean.get(), a);
  });
});

test('a shorter vector is the prefix of the long one, of norm 1', () => {
  const vector = Float32Array.of(0.6, 0, 0.8, 0);
  assert.deepEqual(shorten(vector, 2), Float32Array.of(1, 0));
  assert.equal(shorten(vector, 4), vector);
  const odd = shorten(Float32Array.of(0.3, 0.4, Math.sqrt(0.75)), 2);
  assert.ok(Math.abs(Math.hypot(...odd) - 1) < 1e-7);
  assert.ok(Math.abs(odd[0]! / odd[1]! - 0.75) < 1e-6);
});

test('a prefix of zeros becomes a unit vector', () => {
  assert.deepEqual(shorten(Float32Array.of(0, 0, 1), 2), Float32Array.of(1, 0));
});
