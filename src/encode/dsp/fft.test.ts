import assert from 'node:assert/strict';
import { it } from 'node:test';
import { noise } from '../../../test/support/noise.ts';
import { Fft, splitPowers } from './fft.ts';

for (const size of [4, 8, 32, 64]) {
  it(`agrees with the sum that defines the transform of ${size} values`, () => {
    const random = noise(1);
    const re = Float64Array.from({ length: size }, random);
    const im = Float64Array.from({ length: size }, random);
    const [gotRe, gotIm] = [Float64Array.from(re), Float64Array.from(im)];
    new Fft(size).transform(gotRe, gotIm);
    for (let k = 0; k < size; k++) {
      let sumRe = 0;
      let sumIm = 0;
      for (let i = 0; i < size; i++) {
        const angle = (-2 * Math.PI * k * i) / size;
        sumRe += re[i]! * Math.cos(angle) - im[i]! * Math.sin(angle);
        sumIm += re[i]! * Math.sin(angle) + im[i]! * Math.cos(angle);
      }
      assert.ok(Math.abs(gotRe[k]! - sumRe) < 1e-12 && Math.abs(gotIm[k]! - sumIm) < 1e-12);
    }
  });
}

it('transforms two real signals at once without mixing them', () => {
  const size = 64;
  const random = noise(2);
  const [a, b] = [0, 1].map(() => Float64Array.from({ length: size }, random)) as [Float64Array, Float64Array];
  const bins = () => new Float64Array(size / 2 + 1);
  const [first, second] = [bins(), bins()];
  const powerOf = (signal: Float64Array) => {
    const [re, im] = [Float64Array.from(signal), new Float64Array(size)];
    new Fft(size).transform(re, im);
    return bins().map((_, k) => re[k]! ** 2 + im[k]! ** 2);
  };
  const [re, im] = [Float64Array.from(a), Float64Array.from(b)];
  new Fft(size).transform(re, im);
  splitPowers(re, im, first, second);
  for (const [power, alone] of [
    [first, powerOf(a)],
    [second, powerOf(b)],
  ] as const) {
    for (const [k, value] of power.entries()) assert.ok(Math.abs(value - alone[k]!) < 1e-9);
  }
});
