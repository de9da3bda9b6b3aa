import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SoundBuffer } from './sound-buffer.ts';

const RATE = 1000;
/** Sound whose samples count up from `first`, at 1 kHz. */
const piece = (startSec: number, first: number, length: number) => ({
  startSec,
  sampleRate: RATE,
  samples: Float32Array.from({ length }, (_, i) => first + i),
});
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('a range across pieces with timestamp jitter has no seam', () => {
  const buffer = new SoundBuffer();
  for (const sound of [piece(0, 0, 100), piece(0.103, 100, 100), piece(0.198, 200, 100)]) buffer.push(sound);
  assert.deepEqual([...buffer.read({ startSec: 0.05, endSec: 0.25 })], numbers(50, 250));
});

test('a range is the same wherever decoding began', () => {
  const whole = new SoundBuffer();
  const late = new SoundBuffer();
  const pieces = [piece(0, 0, 100), piece(0.104, 100, 100), piece(0.203, 200, 100), piece(0.3, 300, 100)];
  for (const sound of pieces) whole.push(sound);
  for (const sound of pieces.slice(1)) late.push(sound);
  const stretch = { startSec: 0.15, endSec: 0.35 };
  assert.deepEqual(whole.read(stretch), late.read(stretch));
});

test('a range in antiphase is the difference of the channels, wherever decoding began and whatever mono surrounds it', () => {
  const antiphase = (startSec: number, length = 100) => {
    const sides = Float32Array.from({ length }, (_, i) => Math.sin(i + startSec * RATE));
    return { startSec, sampleRate: RATE, samples: new Float32Array(length), sides };
  };
  const pieces = [
    piece(0, 1, 100),
    ...Array.from({ length: 8 }, (_, i) => antiphase(0.1 + i / 10)),
    piece(0.9, 1, 100),
  ];
  const stretches = [0, 1, 3].map((skipped) => {
    const buffer = new SoundBuffer();
    for (const sound of pieces.slice(skipped)) buffer.push(sound);
    buffer.drop(0.35);
    return buffer.read({ startSec: 0.4, endSec: 0.85 }).slice();
  });
  assert.ok(stretches[0]!.every((sample, i) => Math.abs(sample - Math.sin(i + 400)) < 1e-6));
  assert.deepEqual(stretches[1], stretches[0]);
  assert.deepEqual(stretches[2], stretches[0]);
});

test('a real gap is silence, and the range ends with the sound', () => {
  const buffer = new SoundBuffer();
  buffer.push(piece(0.1, 1, 100));
  buffer.push(piece(0.3, 201, 100));
  const zeros = (length: number) => new Array(length).fill(0);
  const all = [...buffer.read({ startSec: 0, endSec: 0.5 })];
  assert.deepEqual(all, [...zeros(100), ...numbers(1, 101), ...zeros(100), ...numbers(201, 301)]);
  assert.deepEqual([...buffer.read({ startSec: 0.22, endSec: 0.29 })], zeros(70));
  assert.equal(buffer.read({ startSec: 0.45, endSec: 0.5 }).length, 0);
  buffer.drop(0.3);
  assert.deepEqual([...buffer.read({ startSec: 0.1, endSec: 0.2 })], zeros(100));
});

test('dropped sound is freed, and the rest keeps its time', () => {
  const buffer = new SoundBuffer();
  for (const first of [0, 100, 200]) buffer.push(piece(first / RATE, first, 100));
  buffer.drop(0.15);
  for (const first of [300, 400, 500]) buffer.push(piece(first / RATE, first, 100));
  assert.deepEqual([...buffer.read({ startSec: 0.1, endSec: 0.6 })], numbers(100, 600));
  buffer.drop(0.55);
  assert.deepEqual([...buffer.read({ startSec: 0.4, endSec: 0.6 })], [...new Array(100).fill(0), ...numbers(500, 600)]);
});

test('a sound may change after it was pushed', () => {
  const buffer = new SoundBuffer();
  const sound = piece(0, 0, 100);
  buffer.push(sound);
  sound.samples.fill(-1);
  assert.deepEqual([...buffer.read({ startSec: 0, endSec: 0.1 })], numbers(0, 100));
});
