import assert from 'node:assert/strict';
import { it } from 'node:test';
import { noise } from '../../../test/support/noise.ts';
import { Fft } from './fft.ts';

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
