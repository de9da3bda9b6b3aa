import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_REAL_MEDIA } from '../../../test/support/real-media.ts';
import { sound } from '../../../test/support/soft-tokens.ts';
import original from '../../../test/support/soft-tokens-original.json' with { type: 'json' };
import port from '../../../test/support/soft-tokens-port.json' with { type: 'json' };
import { melFrames } from './log-mel-frames.ts';

const SPEC = {
  sampleRate: 16_000,
  maxSamples: 480_000,
  multiple: 128,
  frame: 320,
  hop: 160,
  fftSize: 512,
  bands: 128,
  lowHz: 0,
  highHz: 8000,
  floor: 0.001,
  framesPerToken: 4,
};
/** Maximum absolute difference from a value of the port. */
const TOLERANCE = 1e-4;
/** The same for the original, which transforms in single precision. */
const ORIGINAL_TOLERANCE = 2e-4;

const measure = melFrames(SPEC);

describe('mel frames', () => {
  for (const [made, tolerance, cases] of [
    ['original', ORIGINAL_TOLERANCE, original.sounds],
    ['port', TOLERANCE, port.sounds],
  ] as const) {
    for (const { kind, samples, features, ...wanted } of cases) {
      const skip = kind === 'speech' && NO_REAL_MEDIA;
      it(`of ${samples} samples of ${kind} equal those of the ${made}`, { skip }, () => {
        const found = measure(sound(kind, samples));
        const whole = found.mask.reduce((sum, value) => sum + value, 0);
        assert.deepEqual({ frames: found.frames, whole, softTokens: found.softTokens }, wanted);
        assert.equal(found.features.length, features.length);
        const { step, values } = features;
        const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(found.features[i * step]! - value)), 0);
        assert.ok(worst <= tolerance, `off by ${worst}`);
      });
    }
  }

  it('become 25 soft tokens a second, and 750 at most', () => {
    const tokens = [0.01, 1, 6, 30, 31].map((seconds) => measure(new Float32Array(seconds * 16_000)).softTokens);
    assert.deepEqual(tokens, [0, 25, 150, 750, 750]);
  });

  it('of a batch are independent of the sounds before', () => {
    const noise = sound('noise', 5000);
    const alone = measure(noise).features;
    measure(sound('tones', 16_000));
    assert.deepEqual(measure(noise).features, alone);
  });
});
