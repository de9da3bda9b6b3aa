import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, mock } from 'node:test';
import { encoderContract } from '../../../test/support/contracts/encoder.ts';
import { encodeSettings } from '../../../test/support/encode-settings.ts';
import { multimodalFixture, writeMultimodalBundle } from '../../../test/support/multimodal-bundle.ts';
import { openBundle } from '../bundles.ts';
import type { AudioClip, TextClip, VisualClip } from '../encoder.ts';
import { OnnxModel } from '../onnx/model.ts';
import { meanVector, normOf } from '../vectors.ts';

const folder = await mkdtemp(join(tmpdir(), 'reelvec-multimodal-'));
after(() => rm(folder, { recursive: true }));
const file = await writeMultimodalBundle(folder);
const settings = encodeSettings(join(folder, 'models'));
const open = (path = file) => openBundle(path, settings);

const picture = (seed: number, width = 240, height = 144) => ({
  timeSec: seed,
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => 128 + 120 * Math.sin((i * (seed + 1)) / 5000)),
});
const pictures = (count: number) => Array.from({ length: count }, (_, i) => picture(i));
const tone = (hertz: number, sec: number) =>
  Float32Array.from({ length: Math.round(sec * 16_000) }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / 16_000));
const film = (shown: VisualClip['pictures']): VisualClip => ({ startSec: 0, endSec: shown.length, pictures: shown });
const sound = (samples: Float32Array): AudioClip => ({ startSec: 0, endSec: samples.length / 16_000, samples });
const words = (text: string): TextClip => ({ startSec: 0, endSec: 1, text });

encoderContract<VisualClip>('pictures as one video', async () => (await open()).visual!, [
  film(pictures(3)),
  film([picture(5), picture(6, 144, 432), picture(7)]),
  film([{ timeSec: 0, width: 48, height: 48, data: new Uint8Array(48 * 48 * 3) }]),
]);
encoderContract<AudioClip>('sound in windows', async () => (await open()).audio!, [
  sound(tone(440, 2)),
  sound(tone(2000, 6)),
  sound(new Float32Array(16_000)),
  sound(tone(100, 0.1)),
]);
const texts = ['a red car', 'rain', 'car '.repeat(30), ':'].map(words);
encoderContract<TextClip>('text as a query', async () => (await open()).textQueries[0]!, texts);
encoderContract<TextClip>('text as a document', async () => (await open()).transcription!, texts);

describe('a multimodal model', () => {
  it('has one space for all options and queries, of which it tells before it is loaded', async () => {
    const bundle = await open();
    assert.deepEqual(bundle.spaces, { visual: 'tiny-gemma', audio: 'tiny-gemma', transcription: 'tiny-gemma' });
    assert.deepEqual(bundle.textQuerySpaces, ['tiny-gemma']);
    assert.ok(bundle.takesJointInput);
  });

  it('embeds at most 32 pictures of a segment: the first, the last, and evenly spaced ones between', async () => {
    const { visual } = await open();
    const many = pictures(40);
    const chosen = Array.from({ length: 32 }, (_, i) => many[Math.floor((i * 39) / 31)]!);
    assert.equal(chosen.at(-1), many.at(-1));
    const [all, some] = await visual!.encode([film(many), film(chosen)]);
    assert.deepEqual(all, some);
    await visual!.close();
  });

  it('encodes a picture of a segment that shows the same as the last one once, with the same result', async () => {
    const fixture = multimodalFixture();
    const { gemma } = fixture.models;
    const video = { ...gemma.pictures.video, sameUpTo: 0.75 };
    const own = await mkdtemp(join(folder, 'same-'));
    const path = await writeMultimodalBundle(own, {
      ...fixture,
      models: { gemma: { ...gemma, pictures: { ...gemma.pictures, video } } },
    });
    const still = [picture(1), picture(2)].flatMap((shown) => [shown, { ...shown, timeSec: 9 }, shown]);
    const mixed = film([...still, picture(2, 144, 432)]);
    const runs: number[] = [];
    const run = OnnxModel.prototype.run;
    mock.method(OnnxModel.prototype, 'run', function (this: OnnxModel, ...args: Parameters<typeof run>) {
      if (args[0].pixel_values) runs.push(args[0].pixel_values.dims[0]!);
      return run.apply(this, args);
    });
    const [once] = await (await open(path)).visual!.encode([film(still)]);
    assert.deepEqual(runs, [2]);
    const { visual } = await open();
    const [each] = await visual!.encode([film(still)]);
    assert.deepEqual(runs, [2, 2, 2, 2]);
    mock.restoreAll();
    assert.deepEqual(once, each);
    // Pictures of other sizes do not compare; they are all encoded.
    assert.deepEqual(await (await open(path)).visual!.encode([mixed]), await visual!.encode([mixed]));
    await visual!.close();
  });

  it('embeds sound longer than a window as the mean of equal windows', async () => {
    const { audio } = await open();
    const long = Float32Array.from({ length: 16_000 * 40 }, (_, i) => Math.sin(i * i * 1e-7));
    const halves = [long.subarray(0, 16_000 * 20), long.subarray(16_000 * 20)];
    const [whole, ...each] = await audio!.encode([long, ...halves].map(sound));
    assert.deepEqual(whole, meanVector(each));
    await audio!.close();
  });

  it('puts another prefix before queries than before documents', async () => {
    const bundle = await open();
    const [query] = await bundle.textQueries[0]!.encode([words('a red car')]);
    const [document] = await bundle.transcription!.encode([words('a red car')]);
    assert.notDeepEqual(query, document);
    await bundle.textQueries[0]!.close();
  });

  it('truncates a transcript that is longer than the model takes', async () => {
    const fixture = multimodalFixture();
    const { gemma } = fixture.models;
    const image = { ...gemma.pictures.image, tokens: 70 };
    const small = {
      ...gemma,
      text: { ...gemma.text, maxTokens: 100, document: '' },
      pictures: { ...gemma.pictures, image, video: { ...gemma.pictures.video, perClip: 1 } },
      sound: { ...gemma.sound, windowSec: 1 },
    };
    const path = await writeMultimodalBundle(await mkdtemp(join(folder, 'small-')), {
      ...fixture,
      models: { gemma: small },
    });
    const { transcription } = await open(path);
    const said = (count: number) => words(Array.from({ length: count }, (_, i) => (i % 3 ? 'car' : 'a')).join(' '));
    const [fits, longer, shorter] = await transcription!.encode([98, 150, 97].map(said));
    assert.deepEqual(longer, fits);
    assert.notDeepEqual(shorter, fits);
    await transcription!.close();
  });
});

describe('an input of several parts', () => {
  const text = (content: string) => ({ kind: 'text', text: content }) as const;
  const shown = (seed: number) => ({ kind: 'picture', picture: picture(seed) }) as const;

  it('goes into the model in one pass, in the order of its parts', async () => {
    const { joint } = await open();
    const forward = await joint!.encode([text('red '), shown(1), text(' and '), shown(2)]);
    assert.ok(Math.abs(normOf(forward) - 1) < 1e-6);
    assert.deepEqual(await joint!.encode([text('red '), shown(1), text(' and '), shown(2)]), forward);
    assert.notDeepEqual(await joint!.encode([text('red '), shown(2), text(' and '), shown(1)]), forward);
    assert.notDeepEqual(await joint!.encode([shown(1), shown(2), text('red  and ')]), forward);
    const parts = await Promise.all([[text('red  and ')], [shown(1)], [shown(2)]].map((part) => joint!.encode(part)));
    assert.notDeepEqual(meanVector(parts), forward);
    await joint!.close();
  });

  it('may hold pictures, a video, sound and text together', async () => {
    const { joint } = await open();
    const video = { kind: 'video', pictures: pictures(3) } as const;
    const heard = { kind: 'sound', samples: tone(440, 1) } as const;
    const vector = await joint!.encode([video, heard, text('rain in the car'), shown(4)]);
    assert.ok(Math.abs(normOf(vector) - 1) < 1e-6);
    await joint!.close();
  });

  it('of text alone equals a text query', async () => {
    const bundle = await open();
    const [query] = await bundle.textQueries[0]!.encode([words('a red car')]);
    assert.deepEqual(await bundle.joint!.encode([text('a red car')]), query);
    await bundle.joint!.close();
  });

  it('of media alone equals the segment, without a prefix', async () => {
    const bundle = await open();
    const [video] = await bundle.visual!.encode([film(pictures(2))]);
    assert.deepEqual(await bundle.joint!.encode([{ kind: 'video', pictures: pictures(2) }]), video);
    await bundle.joint!.close();
  });

  it('is refused with both figures when it has more tokens than the model takes', async () => {
    const { joint } = await open();
    // 5 × 3 soft tokens and two around them.
    const one = shown(1);
    const many = new Array(482).fill(one);
    await assert.rejects(joint!.encode(many), {
      code: 'parameter_invalid',
      message: /8196 tokens together, and the model takes 8192/,
    });
    await joint!.close();
  });

  it('takes the names of placeholders in a text as text', async () => {
    const { joint } = await open();
    const odd = await joint!.encode([text('red <|image|> car <|video|>'), shown(1)]);
    assert.deepEqual(odd, await joint!.encode([text('red   car  '), shown(1)]));
    await joint!.close();
  });
});

describe('the parts of a multimodal model load on their own', () => {
  const without = async (...graphs: string[]) => {
    const own = await mkdtemp(join(folder, 'parts-'));
    const path = await writeMultimodalBundle(own);
    for (const graph of graphs) await rm(join(own, 'files', 'onnx', `${graph}.onnx`));
    return open(path);
  };

  it('a text needs neither encoder', async () => {
    const bundle = await without('vision_encoder', 'audio_encoder');
    assert.equal((await bundle.textQueries[0]!.encode([words('a red car')])).length, 1);
    assert.equal((await bundle.transcription!.encode([words('a red car')])).length, 1);
    await assert.rejects(bundle.visual!.encode([film(pictures(1))]), /vision_encoder\.onnx is missing/);
    await assert.rejects(bundle.audio!.encode([sound(tone(440, 1))]), /audio_encoder\.onnx is missing/);
  });

  it('pictures need no encoder of sound, and sound none of pictures', async () => {
    assert.equal((await (await without('audio_encoder')).visual!.encode([film(pictures(1))])).length, 1);
    assert.equal((await (await without('vision_encoder')).audio!.encode([sound(tone(440, 1))])).length, 1);
  });

  it('no graph is loaded with external weights that differ from their checksum', async () => {
    const own = await mkdtemp(join(folder, 'weights-'));
    const fixture = multimodalFixture();
    const files = { ...fixture.sources.test.files, 'onnx/vision_encoder.onnx_data': { sha256: '0'.repeat(64) } };
    const path = await writeMultimodalBundle(own, { ...fixture, sources: { test: { folder: 'files', files } } });
    await writeFile(join(own, 'files', 'onnx', 'vision_encoder.onnx_data'), 'other weights');
    const bundle = await open(path);
    assert.equal((await bundle.textQueries[0]!.encode([words('a red car')])).length, 1);
    await assert.rejects(
      bundle.visual!.encode([film(pictures(1))]),
      /vision_encoder\.onnx_data does not match the checksum/,
    );
  });
});
