import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import type { TwelveLabs } from 'twelvelabs-js';
import { reelvec } from './support/command.ts';
import { hostFiles } from './support/file-host.ts';
import { makeMedia } from './support/make-media.ts';
import { bundleFixture, oneSpaceFixture, writeBundle } from './support/model-bundle.ts';
import { sdk } from './support/sdk.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ready } from './support/tasks.ts';

describe('queries with a bundle of models with text queries for pictures and transcripts', () => {
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let client: TwelveLabs;
  let picture: string;
  before(async () => {
    const folder = stack.use(temporaryFolder()).path;
    const bundle = bundleFixture();
    bundle.textQueries.reverse();
    const env = { REELVEC_BUNDLE: await writeBundle(folder, bundle), REELVEC_DEVICE: 'cpu' };
    server = stack.use(await startServer({ dataDir: stack.use(temporaryFolder()).path, env }));
    client = sdk(server.url);
    const blank = { create: { width: 200, height: 160, channels: 3 as const, background: 'teal' } };
    picture = (await sharp(blank).png().toBuffer()).toString('base64');
  });
  after(() => stack.disposeAsync());

  const post = (body: object, query = '') => call(server, 'POST', `/embed-v2${query}`, { body });
  const text = (input_text: string, more = {}) => ({
    input_type: 'text',
    model_name: 'marengo3.0',
    text: { input_text },
    ...more,
  });

  test('text gives an item per space, that of pictures first, and ?space= selects one', async () => {
    const all = await post(text('a red car'));
    assert.equal(all.status, 200, all.text);
    const spaces = all.body.data.map((item: { space: string }) => item.space);
    assert.deepEqual(spaces, ['tiny/visual', 'tiny/text']);
    assert.deepEqual(
      all.body.data.map((item: { compares_with: string[] }) => item.compares_with),
      [['visual'], ['transcription']],
    );
    for (const [i, space] of spaces.entries()) {
      const one = await post(text('a red car'), `?space=${space}`);
      assert.deepEqual(one.body.data, [all.body.data[i]]);
    }
  });

  test('text and a picture together give the mean of both, through the SDK', async () => {
    const mediaSource = { base64String: picture };
    const words = await post(text('a red car'), '?space=visual');
    const image = await client.embed.v2.create({ inputType: 'image', modelName: 'marengo3.0', image: { mediaSource } });
    const both = await client.embed.v2.create({
      inputType: 'text_image',
      modelName: 'marengo3.0',
      textImage: { mediaSource, inputText: 'a red car' },
    });
    assert.equal(both.data.length, 1);
    const a: number[] = words.body.data[0].embedding;
    const sum = image.data[0]!.embedding.map((value, i) => value + a[i]!);
    const norm = Math.hypot(...sum);
    for (const [i, value] of both.data[0]!.embedding.entries()) assert.ok(Math.abs(value - sum[i]! / norm) < 1e-5);
  });

  test('shorter vectors are prefixes of the long ones', async () => {
    const long = (await post(text('the rain'))).body.data[0].embedding.slice(0, 128);
    const short = await post(text('the rain', { embedding_dimension: 128 }));
    const norm = Math.hypot(...long);
    assert.equal(short.body.data[0].embedding.length, 128);
    for (const [i, value] of short.body.data[0].embedding.entries()) assert.ok(Math.abs(value - long[i] / norm) < 1e-5);
  });

  test('text with too many tokens, counted by the tokenizer of the model, is refused with the limit', async () => {
    // Each character is one token and not a word.
    const long = await post(text(Array.from({ length: 501 }, () => ':').join(' ')));
    assert.equal(long.status, 400, long.text);
    assert.match(long.body.message, /^text\.input_text: The text has 501 tokens; at most 500/);
    assert.deepEqual(long.body.details, { field: 'text.input_text', tokens: 501, max_tokens: 500 });
  });
});

interface Item {
  readonly embedding: number[];
  readonly embedding_option: string;
  readonly embedding_scope: string;
  readonly start_sec: number;
}

describe('a bundle with pictures, sound and text in one space', () => {
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let folder: string;
  let env: Record<string, string>;
  let film: object;
  /** `data` of the task, as text. */
  let fused: string;
  before(async () => {
    folder = stack.use(temporaryFolder()).path;
    makeMedia(join(folder, 'film.mkv'), {
      video: 'testsrc2=size=480x360:rate=12:duration=6',
      audio: 'aevalsrc=0.4*sin(880*t*t):d=6',
      subtitles: [{ startSec: 0.5, endSec: 2, text: 'the red car' }],
    });
    const host = stack.use(await hostFiles(folder));
    env = { REELVEC_BUNDLE: await writeBundle(folder, oneSpaceFixture()), REELVEC_DEVICE: 'cpu' };
    server = stack.use(await startServer({ dataDir: stack.use(temporaryFolder()).path, env }));
    film = asking(
      'video',
      { url: `${host.url}/film.mkv` },
      {
        segmentation: { strategy: 'fixed', fixed: { duration_sec: 3 } },
        embedding_type: ['separate_embedding', 'fused_embedding'],
      },
    );
  });
  after(() => stack.disposeAsync());

  const itemsIn = (data: string) =>
    (JSON.parse(`{${data.slice(0, data.lastIndexOf(']') + 1)}}`) as { data: Item[] }).data;

  test('gives each segment and the whole film a fused vector: the mean of the available ones', async () => {
    const id = await createTask(server, film);
    fused = (await ready(server, id)).data;
    const items = itemsIn(fused);
    const groups = Map.groupBy(items, (item) => `${item.embedding_scope} ${item.start_sec}`);
    const options = [...groups].map(([what, group]) => [what, ...group.map((item) => item.embedding_option)]);
    assert.deepEqual(options, [
      ['clip 0', 'visual', 'audio', 'transcription', 'fused'],
      ['clip 3', 'visual', 'audio', 'fused'],
      ['asset 0', 'visual', 'audio', 'transcription', 'fused'],
    ]);
    for (const group of groups.values()) {
      const mean = group.at(-1)!.embedding;
      const sum = mean.map((_, i) => group.slice(0, -1).reduce((total, { embedding }) => total + embedding[i]!, 0));
      const norm = Math.hypot(...sum);
      assert.ok(mean.every((value, i) => Math.abs(value - sum[i]! / norm) < 1e-6));
    }
    const { metadata } = (await call(server, 'GET', `/embed-v2/tasks/${id}?embeddings=false`)).body;
    assert.deepEqual(metadata.embedding_types, ['separate_embedding', 'fused_embedding']);
    assert.match(metadata.bundle, /^one@/);
  });

  test('gives the same vectors synchronously and from the command line', async () => {
    const answer = await call(server, 'POST', '/embed-v2', { body: film });
    assert.ok(JSON.stringify(answer.body.data) === JSON.stringify(itemsIn(fused)), 'vectors differ');
    const how = ['--segmentation', 'fixed:3', '--type', 'fused', '--dimension', '128'];
    const short = await reelvec(['embed', join(folder, 'film.mkv'), ...how], { env });
    assert.equal(short.code, 0, short.stderr);
    const { data, metadata } = JSON.parse(short.stdout.toString());
    assert.deepEqual([metadata.embedding_types, metadata.embedding_dimension], [['fused_embedding'], 128]);
    const wanted = itemsIn(fused).filter((item) => item.embedding_option === 'fused');
    assert.equal(data.length, wanted.length);
    for (const [i, { embedding }] of wanted.entries()) {
      const norm = Math.hypot(...embedding.slice(0, 128));
      for (const [at, value] of data[i].embedding.entries()) assert.ok(Math.abs(value - embedding[at]! / norm) < 1e-6);
    }
  });

  test('a text about a time joins the fused vectors as its speech would', async () => {
    const { video } = film as { video: { media_source: object; segmentation: object; embedding_type: string[] } };
    const time_based_metadata = [{ start: 0.5, end: 2, text: 'the red car' }];
    const segmentation = { temporal: video.segmentation };
    const body = {
      input_type: 'video',
      model_name: 'marengo3.5',
      video: { ...video, segmentation, time_based_metadata },
    };
    const noted = itemsIn((await ready(server, await createTask(server, body))).data);
    const fusedIn = (items: Item[]) => items.filter((item) => item.embedding_option === 'fused');
    assert.deepEqual(new Set(noted.map((item) => item.embedding_option)), new Set(['visual', 'audio', 'fused']));
    const wanted = fusedIn(itemsIn(fused));
    for (const [i, item] of fusedIn(noted).entries()) {
      assert.equal(item.start_sec, wanted[i]!.start_sec);
      for (const [at, value] of item.embedding.entries()) {
        assert.ok(Math.abs(value - wanted[i]!.embedding[at]!) < 1e-6, `${item.embedding_scope} ${item.start_sec}`);
      }
    }
  });

  test('is named in each answer, and a request for another one is refused', async () => {
    const text = { input_type: 'text', model_name: 'marengo3.0', text: { input_text: 'a red car' } };
    const plain = await call(server, 'POST', '/embed-v2', { body: text });
    const serving = plain.headers.get('reelvec-bundle')!;
    assert.match(serving, /^one@1-[0-9a-f]{8}$/);
    assert.deepEqual(Object.keys(plain.body), ['data']);
    const same = await call(server, 'POST', `/embed-v2?bundle=${serving}`, { body: text });
    assert.equal(same.text, plain.text);
    const other = await call(server, 'POST', '/embed-v2?bundle=clip@1', { body: text });
    assert.equal(other.status, 409, other.text);
    assert.match(other.body.message, /works with one@.*do not compare with those of clip@1/);
  });
});
