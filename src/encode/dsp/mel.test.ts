import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MelBands, type MelOptions } from './mel.ts';

const FFT_SIZE = 1024;
const SAMPLE_RATE = 16_000;
const BIN_HZ = SAMPLE_RATE / FFT_SIZE;

/** Weights of each band at a frequency, read off a spectrum of one bin. */
function weightsAt(options: Partial<MelOptions>, bin: number): Float64Array {
  const power = new Float64Array(FFT_SIZE / 2 + 1);
  power[bin] = 1;
  return apply(options, power);
}

function apply(options: Partial<MelOptions>, power: Float64Array): Float64Array {
  const defaults = { count: 20, lowHz: 0, highHz: 8000, scale: 'htk', weights: 'peak' } as const;
  const bands = new MelBands({ ...defaults, fftSize: FFT_SIZE, sampleRate: SAMPLE_RATE, ...options });
  const out = new Float64Array(bands.count + 1);
  bands.apply(power, out, 1);
  return out.subarray(1);
}

const flat = new Float64Array(FFT_SIZE / 2 + 1).fill(1);

describe('mel bands', () => {
  for (const scale of ['htk', 'slaney'] as const) {
    it(`overlap by half, so that each frequency counts once: ${scale}`, () => {
      for (const bin of [100, 200, 400]) {
        const weights = weightsAt({ scale }, bin);
        assert.equal(weights.filter((weight) => weight > 0).length, 2);
        assert.ok(Math.abs(weights.reduce((a, b) => a + b) - 1) < 1e-9);
      }
    });
  }

  it('have their centres at equal distances on the scale', () => {
    // Bands of 100 mel: on Slaney's scale 3/200 mel per hertz below 1 kHz, so every 200 Hz.
    const options = { scale: 'slaney', lowHz: 0, highHz: 1000, count: 4 } as const;
    for (const [band, hertz] of [200, 400, 600, 800].entries()) {
      const weight = weightsAt(options, Math.round(hertz / BIN_HZ))[band]!;
      assert.ok(weight > 0.95, `${weight} at ${hertz} Hz`);
    }
  });

  it('have an area of 1 over hertz with Slaney’s normalisation', () => {
    for (const sum of apply({ weights: 'slaney', lowHz: 500 }, flat)) assert.ok(Math.abs(sum * BIN_HZ - 1) < 0.02);
  });

  it('give white noise the same level with a sum of 1, also where a band is narrower than a bin', () => {
    const narrow = { count: 300, lowHz: 50 };
    for (const sum of apply({ ...narrow, weights: 'sum' }, flat)) assert.ok(Math.abs(sum - 1) < 1e-12);
    assert.ok(apply(narrow, flat).includes(0), 'without it, such bands are empty');
  });
});
