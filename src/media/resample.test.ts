import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_CHANNEL_LAYOUT_STEREO,
  AV_CHANNEL_ORDER_UNSPEC,
  AV_LOG_QUIET,
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_FLTP,
} from 'node-av/constants';
import { Frame, Log } from 'node-av/lib';
import { Undecodable } from './damage.ts';
import { MonoMixer, resample } from './resample.ts';

test('sound that cannot be mixed is refused, and later sound is mixed as before', () => {
  Log.setLevel(AV_LOG_QUIET);
  using mixer = new MonoMixer();
  const frame = new Frame();
  frame.alloc();
  frame.format = AV_SAMPLE_FMT_FLT;
  frame.channelLayout = AV_CHANNEL_LAYOUT_MONO;
  frame.nbSamples = 4;
  frame.sampleRate = 48_000;
  frame.getBuffer(0);
  frame.data![0]!.set(new Uint8Array(new Float32Array([0.5, -0.5, 1, 0]).buffer));
  assert.deepEqual([...mixer.mix(frame)], [0.5, -0.5, 1, 0]);
  frame.sampleRate = 0;
  for (let i = 0; i < 2; i++) assert.throws(() => mixer.mix(frame), Undecodable);
  frame.sampleRate = 48_000;
  assert.deepEqual([...mixer.mix(frame)], [0.5, -0.5, 1, 0]);
  frame.free();
});

test('stereo also gives the difference of the channels, in the scale of the mix', () => {
  using mixer = new MonoMixer();
  const frame = new Frame();
  frame.alloc();
  frame.format = AV_SAMPLE_FMT_FLT;
  frame.channelLayout = AV_CHANNEL_LAYOUT_STEREO;
  frame.nbSamples = 4;
  frame.sampleRate = 48_000;
  frame.getBuffer(0);
  frame.data![0]!.set(new Uint8Array(new Float32Array([0.5, 0.5, 0.5, -0.5, 0.5, 0, Number.NaN, 0]).buffer));
  const near = (found: Float32Array, wanted: number[]) => {
    assert.ok(
      wanted.every((value, i) => Math.abs(found[i]! - value) < 1e-6),
      `${found}`,
    );
  };
  near(mixer.mix(frame), [Math.SQRT1_2, 0, Math.SQRT1_2 / 2, 0]);
  near(mixer.sides(frame)!, [0, Math.SQRT1_2, Math.SQRT1_2 / 2, 0]);
  frame.free();
});

test('sound with more channels than node-av passes at once is mixed too', () => {
  using mixer = new MonoMixer();
  for (const nbChannels of [8, 12, 14, 16, 24]) {
    const frame = new Frame();
    frame.alloc();
    frame.format = AV_SAMPLE_FMT_FLTP;
    frame.channelLayout = { nbChannels, order: AV_CHANNEL_ORDER_UNSPEC, mask: 0n };
    frame.nbSamples = 1024;
    frame.sampleRate = 48_000;
    assert.ok(frame.getBuffer(0) >= 0);
    assert.equal(frame.extendedData!.length, nbChannels);
    for (const plane of frame.extendedData!) {
      plane.set(new Uint8Array(Float32Array.from({ length: 1024 }, (_, i) => i / 2048).buffer));
    }
    const mixed = mixer.mix(frame);
    assert.equal(mixed.length, 1024);
    const gain = mixed[1023]! / (1023 / 2048);
    assert.ok(gain > 0.5, `${nbChannels} channels: ${gain}`);
    for (const i of [1, 500]) assert.ok(Math.abs(mixed[i]! - (gain * i) / 2048) < 1e-4);
    frame.free();
  }
});

test('a range has no seams between the pieces passed to swresample', () => {
  const samples = Float32Array.from({ length: 50_000 }, (_, i) => Math.sin(i / 7) / 2 + Math.sin(i / 1.3) / 4);
  for (const resampling of ['quick', 'fine'] as const) {
    for (const [from, to] of [
      [48_000, 22_050],
      [44_100, 48_000],
      [8_000, 48_000],
      [192_000, 16_000],
    ] as const) {
      const whole = resample(samples, from, { sampleRate: to, resampling });
      assert.equal(whole.length, Math.round((samples.length * to) / from));
      // Away from the ends the start does not matter, although it moves the borders of the pieces for swresample.
      const skipped = from / gcd(from, to);
      const later = resample(samples.subarray(skipped), from, { sampleRate: to, resampling });
      const shift = to / gcd(from, to);
      const reach = Math.ceil((200 * Math.max(from, to)) / from) + 200;
      for (let i = reach; i < later.length - reach; i++) {
        assert.ok(Math.abs(later[i]! - whole[i + shift]!) < 1e-6, `${resampling} ${from} to ${to} Hz, sample ${i}`);
      }
    }
  }
});

test('a range at its own rate is a copy', () => {
  const samples = Float32Array.of(0.1, 0.2);
  const copy = resample(samples, 16_000, { sampleRate: 16_000 });
  assert.deepEqual(copy, samples);
  assert.notEqual(copy.buffer, samples.buffer);
});

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
