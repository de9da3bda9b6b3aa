import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encoderContract } from '../../../test/support/contracts/encoder.ts';
import { encodeSettings } from '../../../test/support/encode-settings.ts';
import { bundleFixture, writeBundle } from '../../../test/support/model-bundle.ts';
import { audioModel, TINY_VIT, textModel, visionModel } from '../../../test/support/onnx/models.ts';
import { openBundle } from '../bundles.ts';
import { type AudioClip, type Bundle, DIMENSION, type TextClip, type VisualClip } from '../encoder.ts';
import { chooseDevice } from './device.ts';
import { OnnxModel } from './model.ts';

const folder = await mkdtemp(join(tmpdir(), 'reelvec-onnx-'));
after(() => rm(folder, { recursive: true }));
const file = await writeBundle(folder, bundleFixture());
const settings = encodeSettings(join(folder, 'models'));
const open = () => openBundle(file, settings);

const pictures = (seed: number, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    timeSec: n,
    width: 32,
    height: 32,
    data: Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => 128 + 120 * Math.sin((i * seed + n * 17) / 50)),
  }));
const visualClips: VisualClip[] = [
  { startSec: 0, endSec: 4, pictures: pictures(1, 4) },
  { startSec: 4, endSec: 9, pictures: pictures(7, 13) },
  { startSec: 9, endSec: 10, pictures: [{ timeSec: 9, width: 32, height: 32, data: new Uint8Array(32 * 32 * 3) }] },
];
const tone = (hertz: number, sec: number) =>
  Float32Array.from({ length: Math.round(sec * 16_000) }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / 16_000));
const audioClips: AudioClip[] = [
  { startSec: 0, endSec: 1.5, samples: tone(440, 1.5) },
  { startSec: 0, endSec: 5, samples: tone(2000, 5) },
  { startSec: 0, endSec: 1, samples: new Float32Array(16_000) },
  { startSec: 0, endSec: 0.1, samples: tone(100, 0.1) },
];
const textClips: TextClip[] = ['a red car', 'the sound of rain', 'car '.repeat(100), 'x', 'the car'].map((text) => ({
  startSec: 0,
  endSec: 1,
  text,
}));

encoderContract<VisualClip>('pictures through a model', async () => (await open()).visual!, visualClips);
encoderContract<AudioClip>('sound through a model', async () => (await open()).audio!, audioClips);
encoderContract<TextClip>('text through a model, pooled here', async () => (await open()).transcription!, textClips);
encoderContract<TextClip>('text through a model, filled up', async () => (await open()).textQueries[0]!, textClips);

describe('a model on the processor', () => {
  let graph: string;
  before(async () => {
    graph = join(folder, 'vision.onnx');
    await writeFile(graph, visionModel(TINY_VIT));
  });
  const model = (options: { batch: number; threads: number; modelIdleMs?: number }) =>
    new OnnxModel({ file: async () => graph, device: 'cpu', modelIdleMs: 60_000, ...options });
  const input = (count: number) => ({
    pixel_values: {
      type: 'float32' as const,
      dims: [count, 3, 32, 32],
      data: Float32Array.from({ length: count * 3 * 32 * 32 }, (_, i) => Math.sin(i / 10)),
    },
  });

  it('gives the same bits for any number of threads and any batch size', async () => {
    const whole = await model({ batch: 8, threads: 1 }).run(input(8), 'image_embeds');
    for (const threads of [1, 2, 3]) {
      const each = model({ batch: 8, threads });
      for (const count of [1, 3, 8]) {
        const { data } = await each.run(input(count), 'image_embeds');
        assert.deepEqual(data, (whole.data as Float32Array).slice(0, count * DIMENSION));
      }
      await each.close();
    }
  });

  it('is unloaded when idle, and loaded again on demand', async () => {
    const resting = model({ batch: 1, threads: 1, modelIdleMs: 50 });
    const before = await resting.run(input(1), 'image_embeds');
    assert.ok(resting.loaded);
    await sleep(200);
    assert.ok(!resting.loaded);
    assert.deepEqual((await resting.run(input(1), 'image_embeds')).data, before.data);
    await resting.close();
  });

  it('finds the only input and output without their names, and converts integers to the width of the graph', async () => {
    const { pixel_values } = input(2);
    const each = model({ batch: 2, threads: 1 });
    const named = await each.run({ pixel_values }, 'image_embeds');
    assert.deepEqual((await each.run({ '*': pixel_values }, '*')).data, named.data);
    await each.close();
    const text = join(folder, 'text.onnx');
    await writeFile(text, textModel({ vocabulary: 10 }));
    const words = new OnnxModel({ file: async () => text, device: 'cpu', modelIdleMs: 60_000, batch: 1, threads: 1 });
    const narrow = { type: 'int32' as const, dims: [1, 2], data: Int32Array.of(1, 2) };
    const wide = { type: 'int64' as const, dims: [1, 2], data: BigInt64Array.of(1n, 2n) };
    const output = 'last_hidden_state';
    assert.deepEqual(
      (await words.run({ input_ids: narrow, attention_mask: narrow }, output)).data,
      (await words.run({ input_ids: wide, attention_mask: wide }, output)).data,
    );
    await words.close();
  });

  it('runs a graph with a batch size of 1 once per input', async () => {
    const single = join(folder, 'single.onnx');
    await writeFile(single, visionModel({ ...TINY_VIT, batch: 1 }));
    const each = new OnnxModel({ file: async () => single, device: 'cpu', modelIdleMs: 60_000, batch: 8, threads: 1 });
    const whole = await model({ batch: 8, threads: 1 }).run(input(3), 'image_embeds');
    const found = await each.run(input(3), 'image_embeds');
    assert.deepEqual(found.dims, whole.dims);
    // The fixed shape allows other optimisations, so the last bits may differ.
    assert.ok(found.data.every((value, i) => Math.abs(Number(value) - Number(whole.data[i])) < 1e-4));
    await each.close();
  });

  it('names the inputs and outputs of the graph if the bundle has others', async () => {
    const each = model({ batch: 1, threads: 1 });
    await assert.rejects(each.run(input(1), 'embeds'), /no output "embeds", but image_embeds/);
    await assert.rejects(each.run({ pixels: input(1).pixel_values }, 'image_embeds'), /wants an input "pixel_values"/);
    await each.close();
  });

  it('loads again after a failed load', async () => {
    const late = join(folder, 'late.onnx');
    const each = new OnnxModel({ file: async () => late, device: 'cpu', modelIdleMs: 60_000, batch: 1, threads: 1 });
    await assert.rejects(each.run(input(1), 'image_embeds'), /late\.onnx/);
    await writeFile(late, visionModel(TINY_VIT));
    assert.equal((await each.run(input(1), 'image_embeds')).dims[1], DIMENSION);
    await each.close();
  });
});

it('never uses another device than the named one', async () => {
  assert.equal(await chooseDevice('cpu'), 'cpu');
  const absent = process.platform === 'darwin' ? 'dml' : 'coreml';
  await assert.rejects(chooseDevice(absent), /backend/);
});

it('never loads a file with a wrong checksum', async () => {
  const own = await mkdtemp(join(tmpdir(), 'reelvec-tampered-'));
  after(() => rm(own, { recursive: true }));
  const path = await writeBundle(own, bundleFixture());
  const bundle: Bundle = await openBundle(path, { ...settings, modelsDir: join(own, 'models') });
  await writeFile(join(own, 'files', 'audio.onnx'), audioModel({ bands: 64 }, 99));
  await assert.rejects(bundle.audio!.encode(audioClips), /audio\.onnx.*does not match the checksum/);
});

it('writes the same graphs every time', () => {
  assert.deepEqual(textModel({ vocabulary: 10 }), textModel({ vocabulary: 10 }));
  assert.ok(existsSync(folder));
});
