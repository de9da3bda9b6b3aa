import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import reference from '../../../test/support/preprocessing-reference.json' with { type: 'json' };
import { NO_REAL_MEDIA, REAL_MEDIA } from '../../../test/support/real-media.ts';
import { readStill } from '../../media/picture/still.ts';
import { resample } from '../../media/resample.ts';
import { toTensor } from './pictures.ts';
import { windowsOf, windowsToTensor } from './sound.ts';
import type { PicturesSpec, SoundSpec } from './spec.ts';

/** Every `step`-th value of a tensor from the independent implementation in scripts/reference/preprocessing.py. */
interface Sampled {
  readonly length: number;
  readonly step: number;
  readonly values: readonly number[];
}

/** Maximum absolute difference from a reference value. */
const TOLERANCE = 1e-3;

interface Resampled {
  readonly from: number;
  readonly to: number;
  readonly samples: Sampled;
}

/** Sum of tones at fractions of the lower Nyquist frequency, each of amplitude 0.2, as in the script. */
const tones = ({ from, to }: Resampled) =>
  Float32Array.from({ length: from }, (_, i) => {
    const radians = (2 * Math.PI * (Math.min(from, to) / 2) * i) / from;
    return reference.tones.shares.reduce((sum, share) => sum + 0.2 * Math.sin(share * radians), 0);
  });

for (const each of reference.tones.resampled) {
  it(`resamples tones from ${each.from} to ${each.to} Hz as torchaudio does`, () => assertResampled(tones(each), each));
}

describe('preprocessing', { skip: NO_REAL_MEDIA }, () => {
  for (const { file, spec: given, sha256, tensor } of reference.pictures) {
    const spec = { perSecond: 1, perClip: 1, ...given } as PicturesSpec;
    it(`scales ${file} to the bytes of Pillow: ${spec.filter}, ${spec.fit} ${spec.width} × ${spec.height}`, async () => {
      const { picture } = await readStill(join(REAL_MEDIA, 'images', file), spec);
      assertClose(toTensor([picture], spec).data as Float32Array, tensor);
      assert.equal(createHash('sha256').update(picture.data).digest('hex'), sha256);
    });
  }

  for (const each of reference.resampled) {
    it(`resamples ${each.file} from ${each.from} to ${each.to} Hz as torchaudio does`, () =>
      assertResampled(recording(each.file), each));
  }

  for (const { file, spec: given, tensor } of reference.sounds) {
    const spec = given as SoundSpec;
    const { scale } = given.features;
    it(`computes the mel bands of torchaudio from ${file}: ${scale}, filled with ${spec.fill}`, () => {
      const samples = recording(file);
      const length = Math.round(spec.windowSec * spec.sampleRate);
      const windows = windowsOf({ samples: samples.subarray(0, length) }, spec);
      assertClose(windowsToTensor(spec)(windows).data as Float32Array, tensor);
    });
  }
});

/**
 * Compares resampled sound without its ends, where one implementation reflects the sound and the other pads it with
 * silence.
 */
function assertResampled(samples: Float32Array, { from, to, samples: wanted }: Resampled): void {
  const found = resample(samples, from, { sampleRate: to, resampling: 'fine' });
  const { length, step, values } = wanted;
  assert.ok(Math.abs(found.length - length) <= 1, `${found.length} samples, where ${length} are wanted`);
  const reach = (70 * to) / Math.min(from, to);
  const first = Math.ceil(reach / step);
  const inside = values.slice(first, Math.floor((length - reach) / step));
  const worst = inside.reduce((most, value, i) => Math.max(most, Math.abs(found[(first + i) * step]! - value)), 0);
  assert.ok(inside.length > 300 && worst <= TOLERANCE, `off by ${worst}`);
}

function recording(file: string): Float32Array {
  const folder = file === 'trumpet.wav' ? 'music' : 'speech';
  return firstChannel(readFileSync(join(REAL_MEDIA, 'audio', folder, file)));
}

function assertClose(found: Float32Array, { length, step, values }: Sampled): void {
  assert.equal(found.length, length);
  const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(found[i * step]! - value)), 0);
  assert.ok(worst <= TOLERANCE, `off by ${worst}`);
}

/** First channel of a 16-bit WAV file. */
function firstChannel(wav: Buffer): Float32Array {
  const channels = wav.readUInt16LE(22);
  const start = wav.indexOf('data') + 8;
  const count = Math.floor((wav.length - start) / 2 / channels);
  return Float32Array.from({ length: count }, (_, i) => wav.readInt16LE(start + i * 2 * channels) / 32768);
}
