import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restoreCancelled } from './downmix.ts';

const RATE = 8000;
const tone = (seconds: number, hertz = 200) =>
  Float32Array.from({ length: seconds * RATE }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / RATE) / 2);

/** Sum and difference of two channels, scaled as by `MonoMixer`. */
function mixed(left: Float32Array, right: Float32Array) {
  return {
    sums: left.map((sample, i) => (sample + right[i]!) * Math.SQRT1_2),
    sides: left.map((sample, i) => (sample - right[i]!) * Math.SQRT1_2),
  };
}

function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

test('ordinary stereo stays bit-identical', () => {
  let seed = 0;
  const noise = (loudness: number) => tone(3).map(() => ((Math.sin(++seed) * 43_758.5453) % 1) * loudness);
  const silence = new Float32Array(3 * RATE);
  const pairs: [name: string, left: Float32Array, right: Float32Array][] = [
    ['the same on both sides', tone(3), tone(3)],
    ['one side alone', tone(3), silence],
    ['unrelated noise', noise(1), noise(1)],
    ['two tones', tone(3), tone(3, 300)],
    ['antiphase in part: 10 dB below the sum', tone(3), noise(0.2)],
    ['a moment of antiphase', tone(3), tone(3).map((sample, i) => (i < 0.2 * RATE ? -sample : sample))],
    ['the noise of a codec in silence', silence, noise(0.0003)],
    ['such noise in antiphase', tone(3).map((s) => s / 5000), tone(3).map((s) => -s / 5000)],
    ['silence', silence, silence],
  ];
  for (const [name, left, right] of pairs) {
    const { sums, sides } = mixed(left, right);
    const before = sums.slice();
    restoreCancelled(sums, sides, RATE);
    assert.deepEqual(sums, before, name);
  }
});

test('sound in antiphase is as loud as the same sound in phase', () => {
  for (const seconds of [0.1, 0.7, 3]) {
    const { sums, sides } = mixed(
      tone(seconds),
      tone(seconds).map((sample) => -sample),
    );
    assert.equal(rms(sums), 0);
    restoreCancelled(sums, sides, RATE);
    assert.deepEqual(sums, mixed(tone(seconds), tone(seconds)).sums, `${seconds} s`);
  }
});

test('a change to antiphase has no step in the samples', () => {
  for (const turnSec of [1, 1.2, 1.5]) {
    const left = tone(3);
    const right = left.map((sample, i) => (i < turnSec * RATE ? sample : -sample));
    const { sums, sides } = mixed(left, right);
    restoreCancelled(sums, sides, RATE);
    assert.ok(rms(sums.subarray(0, turnSec * RATE)) > 0.45);
    assert.ok(rms(sums.subarray(2 * RATE)) > 0.45, 'all that follows the window of the turn');
    // Samples of a 200 Hz tone of this loudness differ by up to 0.11; the cross-fade adds little to that.
    for (let i = 1; i < sums.length; i++) {
      if (i !== turnSec * RATE) assert.ok(Math.abs(sums[i]! - sums[i - 1]!) < 0.13, `${turnSec} s: ${i}`);
    }
  }
});
