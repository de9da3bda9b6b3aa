import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { openBundle } from '../src/encode/bundles.ts';
import type { Bundle } from '../src/encode/encoder.ts';
import type { InputPart } from '../src/media/frames.ts';
import { readStill } from '../src/media/picture/still.ts';
import { reelvec } from './support/command.ts';
import { hostFiles } from './support/file-host.ts';
import { makeMedia } from './support/make-media.ts';
import { ModelHub } from './support/model-hub.ts';
import { multimodalFiles, multimodalFixture, writeMultimodalBundle } from './support/multimodal-bundle.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ready } from './support/tasks.ts';

interface Item {
  readonly embedding: number[];
  readonly embedding_option: string;
  readonly embedding_scope: string;
  readonly start_sec: number;
}

describe('a bundle with a multimodal model', () => {
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let folder: string;
  let env: Record<string, string>;
  let bundle: Bundle;
  let url: string;
  /** Pictures of a query, in base64 and as the model gets them. */
  const shown: { source: { base64_string: string }; part: InputPart }[] = [];

  before(async () => {
    folder = stack.use(temporaryFolder()).path;
    makeMedia(join(folder, 'film.mkv'), {
      video: 'testsrc2=size=360x480:rate=12:duration=6',
      audio: 'aevalsrc=0.4*sin(880*t*t):d=6',
      subtitles: [{ startSec: 0.5, endSec: 2, text: 'the red car' }],
    });
    url = `${stack.use(await hostFiles(folder)).url}/film.mkv`;
    const path = await writeMultimodalBundle(folder);
    env = { REELVEC_BUNDLE: path, REELVEC_DEVICE: 'cpu' };
    bundle = await openBundle(path, {
      modelsDir: folder,
      device: 'cpu',
      threads: 1,
      speechDevice: 'cpu',
      modelIdleMs: 60_000,
      inference: { urls: [], authorization: undefined, inFlight: 1, timeoutMs: 1000, patienceMs: 0 },
    });
    for (const background of ['teal', 'orange']) {
      const file = join(folder, `${background}.png`);
      const png = await sharp({ create: { width: 400, height: 160, channels: 3, background } })
        .png()
        .toBuffer();
      writeFileSync(file, png);
      const { picture } = await readStill(file, bundle.joint!.pictures);
      shown.push({ source: { base64_string: png.toString('base64') }, part: { kind: 'picture', picture } });
    }
    server = stack.use(await startServer({ dataDir: stack.use(temporaryFolder()).path, env }));
  });
  after(async () => {
    await bundle?.joint?.close();
    await stack.disposeAsync();
  });

  const vectorOf = async (input: object) => {
    const answer = await call(server, 'POST', '/embed-v2', { body: { model_name: 'marengo3.0', ...input } });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.data.length, 1);
    assert.ok(!('space' in answer.body.data[0]));
    return answer.body.data[0].embedding as number[];
  };
  /** The vector that the model gives the parts in this order. */
  const joint = async (...parts: (string | InputPart)[]) =>
    bundle.joint!.encode(parts.map((part) => (typeof part === 'string' ? { kind: 'text', text: part } : part)));
  const assertEqual = (found: readonly number[], expected: Float32Array) =>
    assert.ok(
      found.every((value, i) => Math.abs(value - expected[i]!) < 1e-6),
      'another vector',
    );

  test('gives pictures, sound, speech and what fuses them vectors of one space', async () => {
    const media = asking(
      'video',
      { url },
      {
        segmentation: { strategy: 'fixed', fixed: { duration_sec: 3 } },
        embedding_type: ['separate_embedding', 'fused_embedding'],
      },
    );
    const request = { ...media, embedding_dimension: 256 };
    const { data } = await ready(server, await createTask(server, request));
    const items = (JSON.parse(`{${data.slice(0, data.lastIndexOf(']') + 1)}}`) as { data: Item[] }).data;
    assert.deepEqual(
      items.map((item) => `${item.embedding_scope} ${item.start_sec} ${item.embedding_option}`),
      [
        ...['clip 0 visual', 'clip 0 audio', 'clip 0 transcription', 'clip 0 fused'],
        ...['clip 3 visual', 'clip 3 audio', 'clip 3 fused'],
        ...['asset 0 visual', 'asset 0 audio', 'asset 0 transcription', 'asset 0 fused'],
      ],
    );
    assert.ok(items.every(({ embedding }) => embedding.length === 256));
    const spoken = await bundle.transcription!.encode([{ startSec: 0, endSec: 3, text: 'the red car' }]);
    const short = spoken[0]!.subarray(0, 256);
    const norm = Math.hypot(...short);
    assertEqual(
      items[2]!.embedding,
      short.map((value) => value / norm),
    );
  });

  test('answers a text with one vector, as the original API does', async () => {
    const [expected] = await bundle.textQueries[0]!.encode([{ startSec: 0, endSec: 0, text: 'a red car' }]);
    assertEqual(await vectorOf({ input_type: 'text', text: { input_text: 'a red car' } }), expected!);
  });

  test('embeds an image, and an image with a text, in one pass', async () => {
    const [{ source: media_source, part }] = shown as [(typeof shown)[0]];
    assertEqual(await vectorOf({ input_type: 'image', image: { media_source } }), await joint(part));
    const both = await vectorOf({ input_type: 'text_image', text_image: { media_source, input_text: 'the rain' } });
    assertEqual(both, await joint(part, 'the rain'));
  });

  test('puts the images of a multi_input in the places of their names, and those without one first', async () => {
    const [teal, orange] = shown as [(typeof shown)[0], (typeof shown)[0]];
    const media_sources = [
      { name: 'teal', media_type: 'image', ...teal.source },
      { name: 'orange', media_type: 'image', ...orange.source },
    ];
    const multi = (input_text?: string) =>
      vectorOf({ input_type: 'multi_input', multi_input: { input_text, media_sources } });
    assertEqual(await multi('a <@orange> and <@teal>'), await joint('a ', orange.part, ' and ', teal.part));
    assertEqual(await multi('<@orange> in the rain, <@orange>'), await joint(teal.part, orange.part, ' in the rain, '));
    assertEqual(await multi('<@orange> <@teal>'), await joint(orange.part, teal.part));
    assertEqual(await multi(), await joint(teal.part, orange.part));
  });

  test('counts the tokens of the text around images together', async () => {
    const [{ source, part: _ }] = shown as [(typeof shown)[0]];
    const media_sources = [{ name: 'x', media_type: 'image', ...source }];
    const half = Array.from({ length: 251 }, () => ':').join(' ');
    const body = {
      input_type: 'multi_input',
      model_name: 'marengo3.0',
      multi_input: { input_text: `${half} <@x> ${half}`, media_sources },
    };
    const answer = await call(server, 'POST', '/embed-v2', { body });
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.body.message, /^multi_input\.input_text: The text has 502 tokens; at most 500/);
  });
});

describe('the files of a multimodal model', () => {
  test('are pulled by checksums without sizes; a file without a checksum is pinned at the first pull', async () => {
    await using hub = await ModelHub.start();
    using folder = temporaryFolder();
    const revision = 'a'.repeat(40);
    const weights = { 'onnx/vision_encoder.onnx_data': Buffer.alloc(2000, 7) };
    hub.add('acme/tiny', revision, { ...multimodalFiles(), ...weights });
    const fixture = multimodalFixture({ repo: 'acme/tiny', revision, licence: 'Apache-2.0' });
    const { test: source } = fixture.sources;
    const files = { ...source.files, 'onnx/vision_encoder.onnx_data': { about: 1_000_000 } };
    const bundle = join(folder.path, 'bundle.json');
    writeFileSync(bundle, JSON.stringify({ ...fixture, sources: { test: { ...source, files } } }));
    const modelsDir = join(folder.path, 'models');
    const env = { REELVEC_MODELS_DIR: modelsDir, HF_ENDPOINT: hub.endpoint };
    const models = async (action: string) => {
      const { code, stdout, stderr } = await reelvec(['models', action, bundle], { env });
      return { code, output: stdout.toString() + stderr };
    };
    const pulled = await models('pull');
    assert.match(pulled.output, /6 files downloaded/);
    assert.match((await models('verify')).output, /(^good .*\n){6}/m);
    const stored = join(modelsDir, 'acme/tiny', revision, 'onnx/vision_encoder.onnx_data');
    writeFileSync(stored, Buffer.alloc(2000, 8));
    const verified = await models('verify');
    assert.equal(verified.code, 1);
    assert.match(verified.output, /damaged .*vision_encoder\.onnx_data/);
    // The hub must still have the content of the first pull.
    hub.add('acme/tiny', revision, { 'onnx/vision_encoder.onnx_data': Buffer.alloc(2000, 9) });
    assert.match((await models('pull')).output, /vision_encoder\.onnx_data.*(differs|wrong checksum)/);
  });
});
