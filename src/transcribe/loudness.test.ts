import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAudible, loudness, quietestSec } from './loudness.ts';

const RATE = 16_000;
const tone = (sec: number, amplitude: number) =>
  Float32Array.from({ length: sec * RATE }, (_, i) => amplitude * Math.sin(i / 5));

test('the loudness of a tone is its amplitude over the root of two', () => {
  for (const level of loudness(tone(0.1, 0.5), RATE)) assert.ok(Math.abs(level - 0.5 / Math.SQRT2) < 0.01);
});

test('noise of the last bits is silence, the softest speech is not', () => {
  assert.ok(!isAudible(loudness(tone(0.02, 2 / 32_768), RATE)[0]!));
  assert.ok(isAudible(loudness(tone(0.02, 0.005), RATE)[0]!));
});

test('the quietest moment is the middle of the pause, at any rate', () => {
  for (const rate of [RATE, 11_025, 44_100]) {
    const samples = Float32Array.from({ length: 4 * rate }, (_, i) => {
      const sec = i / rate;
      return (sec >= 2.5 && sec < 2.8 ? 0.001 : 0.3) * Math.sin(sec * 3000);
    });
    const found = quietestSec(loudness(samples, rate));
    assert.ok(found >= 2.58 && found <= 2.72, `${found} at ${rate} Hz`);
  }
});

test('sound shorter than a pause has its quietest moment in the middle', () => {
  assert.equal(quietestSec(loudness(tone(0.1, 0.5), RATE)), 0.05);
});
