import assert from 'node:assert/strict';
import { it } from 'node:test';
import { noise } from '../../../../test/support/noise.ts';
import { PITCH_CLASSES } from './chroma.ts';
import { analyse, BANDS } from './frames.ts';
import { SAMPLE_RATE } from './windows.ts';

const second = (wave: (t: number) => number) =>
  Float32Array.from({ length: SAMPLE_RATE }, (_, i) => wave(i / SAMPLE_RATE));
const random = noise(1);
const hiss = second(() => 0.1 * random());
/** A tone of 220 Hz with sixteen harmonics. */
const reed = second((t) => {
  let sum = 0;
  for (let k = 1; k <= 16; k++) sum += Math.sin(2 * Math.PI * 220 * k * t) / k;
  return 0.1 * sum;
});

it('finds the pitch of a tone, and none in noise', () => {
  const { pitch, clarity } = analyse(reed);
  for (const octaves of pitch) assert.ok(Math.abs(80 * 2 ** octaves - 220) < 3);
  assert.ok(clarity.every((value) => value > 0.8));
  assert.ok(analyse(hiss).clarity.every((value) => value < 0.5));
});

it('finds the pitch class of a tone', () => {
  const tone = analyse(second((t) => 0.1 * Math.sin(2 * Math.PI * 440 * t)));
  assert.ok(tone.chroma.slice(0, PITCH_CLASSES)[0]! > 0.5);
});

it('gives white noise the same level in every band', () => {
  const { power, count } = analyse(hiss);
  const levels = Array.from({ length: BANDS }, (_, band) => {
    let sum = 0;
    for (let t = 0; t < count; t++) sum += power[t * BANDS + band]!;
    return 10 * Math.log10(sum / count);
  });
  assert.ok(Math.max(...levels) - Math.min(...levels) < 4);
});

it('measures two windows at a time without mixing them', () => {
  const half = SAMPLE_RATE >> 1;
  const joined = Float32Array.from(hiss, (sample, i) => (i < half ? sample : reed[i]!));
  const [whole, alone] = [analyse(joined), analyse(hiss)];
  for (let i = 0; i < 5 * BANDS; i++) assert.ok(Math.abs(whole.power[i]! / alone.power[i]! - 1) < 1e-9);
});
