import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encoderContract } from '../../../../test/support/contracts/encoder.ts';
import { cosine } from '../../../../test/support/embeddings.ts';
import { noise } from '../../../../test/support/noise.ts';
import { createAudioEncoder } from './audio.ts';

const encoder = createAudioEncoder();
const rate = encoder.sampleRate;

function sound(seconds: number, wave: (t: number) => number) {
  const samples = Float32Array.from({ length: Math.round(seconds * rate) }, (_, i) => wave(i / rate));
  return { startSec: 0, endSec: seconds, samples };
}

const chord = sound(6, (t) => 0.2 * (Math.sin(2 * Math.PI * 220 * t) + Math.sin(2 * Math.PI * 330 * t)));
const hiss = noise(1);
const rain = sound(6, () => 0.1 * hiss());
const tick = noise(2);
const clock = sound(6, (t) => (t % 0.5 < 0.01 ? tick() : 0));

encoderContract('signal audio', async () => encoder, [
  chord,
  rain,
  clock,
  sound(6, () => 0),
  sound(0, () => 0),
  sound(0.001, () => 1),
  sound(0.3, () => 1e-30),
  sound(1, (t) => Math.sign(Math.sin(2 * Math.PI * 50 * t))),
  sound(30, (t) => 1000 * Math.sin(2 * Math.PI * 1000 * t)),
]);

describe('signal audio', () => {
  it('recognises a sound at half the loudness', async () => {
    const [loud, soft] = await encoder.encode([clock, { ...clock, samples: clock.samples.map((s) => s / 2) }]);
    assert.ok(cosine(loud!, soft!) > 0.95);
  });

  it('recognises a sound a little later', async () => {
    const later = new Float32Array(clock.samples.length);
    later.set(clock.samples.subarray(0, -777), 777);
    const [now, then] = await encoder.encode([clock, { ...clock, samples: later }]);
    assert.ok(cosine(now!, then!) > 0.95);
  });

  it('distinguishes a chord, rain and a clock', async () => {
    const [a, b, c] = await encoder.encode([chord, rain, clock]);
    for (const similarity of [cosine(a!, b!), cosine(b!, c!), cosine(a!, c!)]) assert.ok(similarity < 0.6);
  });
});
