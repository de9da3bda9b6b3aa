import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import type { TwelveLabs } from 'twelvelabs-js';
import { bundleFixture, writeBundle } from '../src/encode/bundle.fixture.ts';
import { sdk } from './support/sdk.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { call } from './support/tasks.ts';

describe('queries with a bundle of models whose words reach pictures and what is said', { timeout: 120_000 }, () => {
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

  test('text gives an item for each space, the one of pictures first, and ?space= picks one', async () => {
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

  test('shorter vectors are the beginnings of the long ones', async () => {
    const long = (await post(text('the rain'))).body.data[0].embedding.slice(0, 128);
    const short = await post(text('the rain', { embedding_dimension: 128 }));
    const norm = Math.hypot(...long);
    assert.equal(short.body.data[0].embedding.length, 128);
    for (const [i, value] of short.body.data[0].embedding.entries()) assert.ok(Math.abs(value - long[i] / norm) < 1e-5);
  });

  test('text of more tokens than are allowed, by the tokenizer of the model, is refused with the limit', async () => {
    // Each sign is a token of its own and none is a word.
    const long = await post(text(Array.from({ length: 501 }, () => ':').join(' ')));
    assert.equal(long.status, 400, long.text);
    assert.match(long.body.message, /501 tokens; at most 500/);
  });
});
