import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AV_CHANNEL_LAYOUT_MONO, AV_LOG_QUIET, AV_SAMPLE_FMT_FLT } from 'node-av/constants';
import { Frame, Log } from 'node-av/lib';
import { Undecodable } from './damage.ts';
import { MonoMixer } from './resample.ts';

test('sound that cannot be mixed is refused, and what comes after it is mixed as before', () => {
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
