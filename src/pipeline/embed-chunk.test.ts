import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openBundle } from '../encode/bundles.ts';
import { embedChunk } from './embed-chunk.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-chunk-'));
after(() => rmSync(folder, { recursive: true }));

const RATE = 16_000;

/** Writes six seconds of a tone as a WAV file of 32-bit floats. `change` maps each sample; channels are interleaved. */
function floatWav(name: string, change: (sample: number, i: number, channel: number) => number, channels = 1): string {
  const samples = Float32Array.from({ length: 6 * RATE * channels }, (_, at) => {
    const i = Math.floor(at / channels);
    return change(Math.sin(i / 10) / 2, i, at % channels);
  });
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(3, 20); // floats
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(RATE, 24);
  header.writeUInt32LE(RATE * 4 * channels, 28);
  header.writeUInt16LE(4 * channels, 32);
  header.writeUInt16LE(32, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.byteLength, 40);
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([header, Buffer.from(samples.buffer)]));
  return path;
}

test('sound with NaN, infinite or huge samples has finite vectors', async () => {
  const bundle = await openBundle('signal');
  const changes: Record<string, (sample: number, i: number) => number> = {
    nan: (sample, i) => (i % 997 === 0 ? Number.NaN : sample),
    infinite: (sample, i) => (i % 997 === 0 ? Number.POSITIVE_INFINITY : sample),
    huge: (sample) => sample * 6e38,
    tiny: (sample) => sample * 1e-40,
  };
  for (const [name, change] of Object.entries(changes)) {
    const { vectors } = await embedChunk(
      {
        path: floatWav(`${name}.wav`, change),
        range: { startSec: 0, endSec: 6 },
        segmentation: { strategy: 'fixed', durationSec: 2 },
        options: ['audio'],
      },
      bundle,
      () => {},
    );
    assert.equal(vectors.audio?.length, 3);
    for (const vector of vectors.audio) assert.ok(Math.abs(Math.hypot(...vector!) - 1) < 1e-5, name);
  }
});

test('stereo in antiphase has the vectors of the same sound in phase', async () => {
  const bundle = await openBundle('signal');
  const vectorsOf = async (name: string, pole: number) => {
    const path = floatWav(name, (sample, i, channel) => sample * Math.cos(i / 9000) * (channel === 1 ? pole : 1), 2);
    const job = { path, segmentation: { strategy: 'fixed', durationSec: 2 }, options: ['audio'] } as const;
    const whole = await embedChunk({ ...job, range: { startSec: 0, endSec: 6 } }, bundle, () => {});
    const later = await embedChunk({ ...job, range: { startSec: 2, endSec: 6 } }, bundle, () => {});
    assert.deepEqual(later.vectors.audio, whole.vectors.audio!.slice(1), 'wherever decoding begins');
    return whole.vectors.audio;
  };
  const found = await vectorsOf('antiphase.wav', -1);
  const wanted = await vectorsOf('in-phase.wav', 1);
  // Equal up to float rounding: only one of them is mixed by swresample.
  for (const [i, vector] of found!.entries()) {
    assert.ok(vector!.every((value, j) => Math.abs(value - wanted![i]![j]!) < 1e-5));
  }
});
