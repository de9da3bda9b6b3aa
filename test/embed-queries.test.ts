import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { type TwelveLabs, TwelvelabsApi } from 'twelvelabs-js';
import { decode } from '../src/media/decode.ts';
import { cosine } from './support/embeddings.ts';
import { hostFiles } from './support/file-host.ts';
import { cutsBetween, makeMedia } from './support/make-media.ts';
import { sdk } from './support/sdk.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { call, uploadAsset } from './support/tasks.ts';

/** Sources of the shots of the film. */
const LOOKS = ['testsrc2', 'smptebars', 'mandelbrot', 'cellauto'];
/** Length of a shot. */
const SHOT_SEC = 3;
/** Subtitles of the film. */
const LINES = [
  { startSec: 1, endSec: 2.5, text: 'The lighthouse keeper counts the ships' },
  { startSec: 7, endSec: 8, text: 'Bread and butter for breakfast' },
];

describe('synchronous embedding of text and pictures', () => {
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let client: TwelveLabs;
  let host: Awaited<ReturnType<typeof hostFiles>>;
  let folder: string;
  let scratch: string;
  before(async () => {
    folder = stack.use(temporaryFolder()).path;
    const dataDir = stack.use(temporaryFolder()).path;
    scratch = join(dataDir, 'scratch');
    const film = makeMedia(join(folder, 'film.mkv'), {
      video: cutsBetween(LOOKS, { secondsEach: SHOT_SEC }),
      subtitles: LINES,
    });
    await writeStills(film, folder);
    host = stack.use(await hostFiles(folder));
    server = stack.use(await startServer({ dataDir, env: { REELVEC_WORKERS: '1' } }));
    client = sdk(server.url);
  });
  after(() => stack.disposeAsync());

  const path = (name: string) => join(folder, name);
  const base64 = (name: string) => readFileSync(path(name)).toString('base64');
  const create = (request: Parameters<typeof client.embed.v2.create>[0]) => client.embed.v2.create(request);
  const post = (body: object, query = '') => call(server, 'POST', `/embed-v2${query}`, { body });
  const left = () => readdirSync(scratch);
  const badRequest = (message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof TwelvelabsApi.BadRequestError, String(error));
    assert.match((error.body as { message: string }).message, message);
    return true;
  };

  test('a text query finds the clip with the text', async () => {
    const video = { media_source: { url: `${host.url}/film.mkv` }, embedding_scope: ['clip'] };
    const film = await post({ input_type: 'video', model_name: 'marengo3.0', video });
    const { data, metadata } = await create({
      inputType: 'text',
      modelName: 'marengo3.0',
      text: { inputText: 'ships and the keeper of a lighthouse' },
    });
    assert.equal(metadata, undefined);
    assert.equal(data.length, 1, 'one space that words reach, one item');
    const { embedding, embeddingOption, embeddingScope, startSec, endSec } = data[0]!;
    assert.equal(embedding.length, 512);
    assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-6);
    for (const absent of [embeddingOption, embeddingScope, startSec, endSec]) assert.ok(absent == null);
    const said = film.body.data.filter(
      (item: { embedding_option: string }) => item.embedding_option === 'transcription',
    );
    const [best] = nearest(embedding, said);
    assert.ok(best!.start_sec <= LINES[0]!.startSec && best!.end_sec > LINES[0]!.startSec);
  });

  test('text gives a vector with the name of its space, and ?space= selects one by name or option', async () => {
    const body = { input_type: 'text', model_name: 'marengo3.0', text: { input_text: 'ships' } };
    const all = await post(body);
    assert.equal(all.status, 200, all.text);
    const [{ embedding: _, ...facts }] = all.body.data;
    assert.deepEqual(facts, {
      embedding_option: null,
      embedding_scope: null,
      start_sec: null,
      end_sec: null,
      space: 'signal/transcription',
      compares_with: ['transcription'],
    });
    for (const space of ['signal/transcription', 'transcription']) {
      assert.equal((await post(body, `?space=${space}`)).text, all.text);
    }
    const other = await post(body, '?space=signal/visual');
    assert.equal(other.status, 400);
    assert.match(other.body.message, /text can be looked for in "signal\/transcription": got "signal\/visual"/);
  });

  test('a picture finds its clip, by URL and base64, as JPEG, PNG, WebP and AVIF', async () => {
    const video = {
      mediaSource: { url: `${host.url}/film.mkv` },
      segmentation: { strategy: 'fixed' as const, fixed: { durationSec: SHOT_SEC } },
      embeddingOption: ['visual' as const],
      embeddingScope: ['clip' as const],
    };
    const film = await create({ inputType: 'video', modelName: 'marengo3.0', video });
    const clips = film.data.map((item) => ({ ...item, start_sec: item.startSec!, end_sec: item.endSec! }));
    assert.equal(clips.length, LOOKS.length);
    for (const [i, format] of (['png', 'jpeg', 'webp', 'avif'] as const).entries()) {
      const name = `${LOOKS[i]}.${format}`;
      const url = `${host.url}/${name}`;
      const byUrl = await create({ inputType: 'image', modelName: 'marengo3.0', image: { mediaSource: { url } } });
      assert.deepEqual(byUrl.metadata, { inputType: 'image', inputUrl: url, inputFilename: name, ...extras(byUrl) });
      assert.equal(byUrl.data.length, 1);
      const [best] = nearest(byUrl.data[0]!.embedding, clips);
      assert.equal(best!.start_sec, i * SHOT_SEC, name);
      const inline = await create({
        inputType: 'image',
        modelName: 'marengo3.0',
        image: { mediaSource: { base64String: base64(name) } },
      });
      assert.deepEqual(inline.data[0]!.embedding, byUrl.data[0]!.embedding);
      const uploaded = await uploadAsset(server, readFileSync(path(name)), name);
      const mediaSource = { assetId: uploaded.body._id };
      const asset = await create({ inputType: 'image', modelName: 'marengo3.0', image: { mediaSource } });
      assert.deepEqual(asset.data, byUrl.data);
      assert.deepEqual(asset.metadata, { inputType: 'image', inputFilename: name, ...extras(asset) });
    }
    assert.deepEqual(left(), []);
  });

  test('several pictures give the mean of their vectors; a bundle without text queries for pictures refuses text with them', async () => {
    const source = (name: string, more = {}) => ({ mediaType: 'image' as const, url: `${host.url}/${name}`, ...more });
    const one = async (name: string) =>
      (
        await create({
          inputType: 'image',
          modelName: 'marengo3.0',
          image: { mediaSource: { url: `${host.url}/${name}` } },
        })
      ).data[0]!.embedding;
    const names = ['testsrc2.png', 'smptebars.jpeg'];
    const both = await create({
      inputType: 'multi_input',
      modelName: 'marengo3.0',
      multiInput: { mediaSources: names.map((name) => source(name)) },
    });
    assert.equal(both.metadata?.inputType, 'multi_input');
    const [a, b] = (await Promise.all(names.map(one))) as [number[], number[]];
    const sum = a.map((value, i) => value + b[i]!);
    const norm = Math.hypot(...sum);
    for (const [i, value] of both.data[0]!.embedding.entries()) assert.ok(Math.abs(value - sum[i]! / norm) < 1e-6);

    const cannot =
      /"signal" cannot bring text and pictures together.*(can: choose one with `reelvec models use`|No bundle)/;
    const textImage = { mediaSource: { url: `${host.url}/testsrc2.png` }, inputText: 'a test picture' };
    await assert.rejects(create({ inputType: 'text_image', modelName: 'marengo3.0', textImage }), badRequest(cannot));
    const inputText = 'something like <@first>';
    const multiInput = { inputText, mediaSources: [source(names[0]!, { name: 'first' })] };
    await assert.rejects(create({ inputType: 'multi_input', modelName: 'marengo3.0', multiInput }), badRequest(cannot));
  });
});

/** Metadata fields that reelvec adds and the SDK passes through. */
function extras({ metadata }: { metadata?: object }): object {
  const { bundle } = metadata as { bundle?: string };
  assert.match(bundle ?? '', /^signal@/);
  return { bundle };
}

interface Clip {
  readonly embedding: readonly number[];
  readonly start_sec: number;
  readonly end_sec: number;
}

/** Items by their similarity to a vector, the most similar first. */
function nearest(vector: readonly number[], items: readonly Clip[]): Clip[] {
  return items.toSorted((a, b) => cosine(vector, b.embedding) - cosine(vector, a.embedding));
}

/** Writes a picture from the middle of each shot, each in another format. */
async function writeStills(film: string, folder: string): Promise<void> {
  const size = { width: 640, height: 360, fit: 'stretch', perSecond: 2 } as const;
  for (const [i, look] of LOOKS.entries()) {
    const middle = i * SHOT_SEC + SHOT_SEC / 2;
    for (const event of decode({ path: film, sampled: size, sound: false, subtitles: false })) {
      if (event.type !== 'picture' || event.picture.timeSec < middle) continue;
      const { width, height, data } = event.picture;
      const format = (['png', 'jpeg', 'webp', 'avif'] as const)[i]!;
      const picture = sharp(data, { raw: { width, height, channels: 3 } }).toFormat(format, { quality: 80 });
      await writeFile(join(folder, `${look}.${format}`), await picture.toBuffer());
      break;
    }
  }
}
