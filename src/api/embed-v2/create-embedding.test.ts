import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { CONFIGURED_KEY, openTestApp, type TestApp } from '../../../test/support/app.ts';
import { createSignalBundle } from '../../encode/signal/bundle.ts';
import { textEncoder } from '../../encode/signal/text/text.ts';
import { createdEmbedding } from './schemas.ts';

const headers = { 'x-api-key': CONFIGURED_KEY };
type Fields = Record<string, unknown>;

function post({ app }: TestApp, payload: object, query = '') {
  return app.inject({ method: 'POST', url: `/v1.3/embed-v2${query}`, headers, payload });
}

const ask = (type: string, fields: unknown, top: Fields = {}) => ({
  input_type: type,
  model_name: 'marengo3.0',
  [type]: fields,
  ...top,
});
const text = (input_text: unknown, top: Fields = {}) => ask('text', { input_text }, top);
const picture = (background: string, size = 200) =>
  sharp({ create: { width: size, height: size, channels: 3, background } })
    .png()
    .toBuffer()
    .then((bytes) => bytes.toString('base64'));
const RED = await picture('red');
const BLUE = await picture('blue');
const SMALL = await picture('red', 100);
const image = (base64_string: string, more: Fields = {}) => ({ media_type: 'image', base64_string, ...more });

const ONE_SPACE = {
  ...createSignalBundle(),
  spaces: { visual: 'one', audio: 'one', transcription: 'one' },
  textQuerySpaces: ['one'],
  textQueries: [{ ...textEncoder, space: 'one' }],
  dimensions: [128, 512],
};

test('text gives a vector of length 1 whose numbers read back as float32, and nulls for what words have not', async () => {
  await using t = await openTestApp();
  const response = await post(t, text('Two dogs play'));
  assert.equal(response.statusCode, 200, response.body);
  assert.match(String(response.headers['content-type']), /^application\/json/);
  const body = createdEmbedding.parse(response.json());
  const [item] = body.data;
  assert.equal(item?.embedding.length, 512);
  assert.ok(Math.abs(Math.hypot(...item!.embedding) - 1) < 1e-6);
  for (const value of item!.embedding) assert.ok(String(value).length <= 14, `as short as can be: ${value}`);
  assert.equal(item?.embedding_option, null);
  assert.equal(response.json().metadata, undefined);
});

test('null and what is absent are the same', async () => {
  await using t = await openTestApp();
  const plain = await post(t, text('dogs'));
  const nulls = { audio: null, video: null, image: null, multi_input: null, embedding_dimension: null };
  assert.equal((await post(t, text('dogs', nulls))).body, plain.body);
});

test('of a bundle with one space text and pictures are answered as by the original, and compose', async () => {
  await using t = await openTestApp(undefined, { bundle: ONE_SPACE });
  const words = (await post(t, text('dogs'))).json();
  assert.deepEqual(Object.keys(words.data[0]), [
    'embedding',
    'embedding_option',
    'embedding_scope',
    'start_sec',
    'end_sec',
  ]);
  const still = (await post(t, ask('image', { media_source: { base64_string: RED } }))).json();
  const both = (await post(t, ask('text_image', { media_source: { base64_string: RED }, input_text: 'dogs' }))).json();
  assertMean(both.data[0].embedding, [words.data[0].embedding, still.data[0].embedding]);
  assert.equal(both.metadata.input_type, 'text_image');

  const blue = (await post(t, ask('image', { media_source: { base64_string: BLUE } }))).json();
  const sources = [image(RED, { name: 'first' }), image(BLUE)];
  const all = (await post(t, ask('multi_input', { input_text: 'dogs <@first>', media_sources: sources }))).json();
  assert.equal(all.data.length, 1);
  assertMean(all.data[0].embedding, [words.data[0].embedding, still.data[0].embedding, blue.data[0].embedding]);
  const onlyMarks = await post(t, ask('multi_input', { input_text: '<@first>', media_sources: sources }));
  assertMean(onlyMarks.json().data[0].embedding, [still.data[0].embedding, blue.data[0].embedding]);
  const onlyText = (await post(t, ask('multi_input', { input_text: 'dogs' }))).json();
  assert.deepEqual(onlyText.data, words.data);

  for (const type of ['image', 'text_image']) {
    const fields = { media_source: { base64_string: SMALL }, ...(type === 'text_image' && { input_text: 'x' }) };
    const { code, details } = (await post(t, ask(type, fields))).json();
    assert.deepEqual([code, details.field], ['image_resolution_too_low', `${type}.media_source`]);
  }

  const short = (await post(t, text('dogs', { embedding_dimension: 128 }))).json();
  assertMean(short.data[0].embedding, [words.data[0].embedding.slice(0, 128)]);
  const odd = await post(t, text('dogs', { embedding_dimension: 256 }));
  assert.match(odd.json().message, /embedding_dimension must be 128 or 512: got 256/);
});

/** Pictures and words in one space, words alone in another. */
const TWO_SPACES = {
  ...createSignalBundle(),
  spaces: { visual: 'one', audio: 'two', transcription: 'two' },
  textQuerySpaces: ['one', 'two'],
  textQueries: ['one', 'two'].map((space) => ({ ...textEncoder, space })),
};

test('text in several spaces has a vector for each, and one that is asked for alone; other queries have one', async () => {
  await using t = await openTestApp(undefined, { bundle: TWO_SPACES });
  const facts = async (body: object, query = '') => {
    const response = await post(t, body, query);
    assert.equal(response.statusCode, 200, response.body);
    return response.json().data.map(({ space, compares_with }: Fields) => [space, compares_with]);
  };
  const one = ['one', ['visual']];
  const two = ['two', ['audio', 'transcription']];
  assert.deepEqual(await facts(text('dogs')), [one, two]);
  assert.deepEqual(await facts(text('dogs'), '?space=two'), [two]);
  assert.deepEqual(await facts(text('dogs'), '?space=audio'), [two]);
  assert.deepEqual(await facts(ask('multi_input', { input_text: 'dogs' })), [one]);
  assert.deepEqual(await facts(ask('image', { media_source: { base64_string: RED } })), [one]);
});

test('the answer names the bundle, and of a picture where it came from and the length of the vectors', async () => {
  await using t = await openTestApp(undefined, { bundle: ONE_SPACE });
  const words = await post(t, text('dogs'), '?bundle=signal%401');
  assert.equal(words.headers['reelvec-bundle'], 'signal@1');
  assert.deepEqual(Object.keys(words.json()), ['data']);
  const source = { base64_string: RED };
  const metadataOf = async (body: object) => (await post(t, body)).json().metadata;
  assert.deepEqual(await metadataOf(ask('image', { media_source: source }, { embedding_dimension: 128 })), {
    input_type: 'image',
    embedding_dimension: 128,
    bundle: 'signal@1',
  });
  assert.deepEqual(await metadataOf(ask('multi_input', { input_text: 'dogs' })), {
    input_type: 'multi_input',
    bundle: 'signal@1',
  });
  const asset = { id: 'a'.repeat(24), method: 'direct', filename: 'red.png', fileType: 'image/png' } as const;
  await t.assets.create({ ...asset, owner: String(t.log.find((line) => line['owner'])!['owner']) });
  await t.blobs.write(`assets/${asset.id}/source`, Buffer.from(RED, 'base64'));
  const image_ = { format: 'png', width: 200, height: 200, hasAlpha: false, isAnimated: false } as const;
  const trackCounts = { video: 0, audio: 0, subtitles: 0 };
  const media = { format: 'png', mimeType: 'image/png', size: 1, durationSec: 0, bitRate: 0, trackCounts };
  await t.assets.setReady(asset.id, { ...media, image: image_ }, undefined);
  const named = await metadataOf(ask('text_image', { media_source: { asset_id: asset.id }, input_text: 'dogs' }));
  assert.deepEqual(named, { input_type: 'text_image', input_filename: 'red.png', bundle: 'signal@1' });
  const several = [{ media_type: 'image', asset_id: asset.id }, image(BLUE)];
  const all = await metadataOf(ask('multi_input', { media_sources: several }));
  assert.deepEqual(all, { input_type: 'multi_input', bundle: 'signal@1' });
  const logged = t.log.findLast(({ msg }) => msg === 'request');
  assert.equal(logged?.['inputType'], 'multi_input');
});

test('what is wrong is named: the field, what was got, what is allowed', async () => {
  await using t = await openTestApp();
  const media_source = { url: 'https://media.test/a.png' };
  const faults: [object, code: string, field: string, message?: RegExp][] = [
    [{ model_name: 'marengo3.0' }, 'parameter_not_provided', 'input_type'],
    [ask('document', {}), 'parameter_invalid', 'input_type', /"text" or "image"/],
    [{ input_type: 'text', model_name: 'marengo3.0' }, 'parameter_not_provided', 'text'],
    [text('dogs', { image: { media_source } }), 'parameter_invalid', 'image', /does not go with input_type "text"/],
    [text('dogs', { colour: 1 }), 'parameter_unknown', 'colour'],
    [text('dogs', { auto_truncate: true }), 'parameter_unknown', 'auto_truncate', /marengo3\.5/],
    [text(''), 'parameter_invalid', 'text.input_text', /must not be empty/],
    [text(' \n'), 'parameter_invalid', 'text.input_text', /must not be blank/],
    [ask('multi_input', { input_text: '  ' }), 'parameter_invalid', 'multi_input.input_text', /must not be blank/],
    [text(7), 'parameter_invalid', 'text.input_text', /must be a string/],
    [text('word '.repeat(501)), 'parameter_invalid', 'text.input_text', /501 words; at most 500 tokens/],
    [text('x'.repeat(20_001)), 'parameter_invalid', 'text.input_text', /20001 characters; at most 500 tokens/],
    [ask('image', { media_source: {} }), 'parameter_not_provided', 'image.media_source', /exactly one of url/],
    [ask('image', { media_source: { ...media_source, asset_id: 'x' } }), 'parameter_invalid', 'image.media_source'],
    [ask('image', { media_source, start_sec: 0 }), 'parameter_unknown', 'image.start_sec'],
    [ask('image', { media_source: { url: 'ftp://a.test/b.png' } }), 'parameter_invalid', 'image.media_source.url'],
    [
      ask('image', { media_source: { base64_string: 'äöü' } }),
      'parameter_invalid',
      'image.media_source.base64_string',
      /not base64/,
    ],
    [ask('text_image', { media_source }), 'parameter_not_provided', 'text_image.input_text'],
    [ask('text_image', { media_source, input_text: 'x' }), 'parameter_invalid', 'input_type', /"signal" cannot bring/],
    [ask('multi_input', {}), 'parameter_not_provided', 'multi_input', /input_text, media_sources or both/],
    [ask('multi_input', { media_sources: [] }), 'parameter_invalid', 'multi_input.media_sources'],
    [
      ask('multi_input', { media_sources: Array.from({ length: 11 }, () => image(RED)) }),
      'parameter_invalid',
      'multi_input.media_sources',
      /not have more than 10/,
    ],
    [
      ask('multi_input', { media_sources: [{ ...image(RED), media_type: 'video' }] }),
      'parameter_invalid',
      'multi_input.media_sources.0.media_type',
      /must be "image": got "video"/,
    ],
    [
      ask('multi_input', { media_sources: [{ media_type: 'image' }] }),
      'parameter_not_provided',
      'multi_input.media_sources.0',
      /exactly one of/,
    ],
    [
      ask('multi_input', { media_sources: [image(RED, { name: 'a' }), image(BLUE, { name: 'a' })] }),
      'parameter_invalid',
      'multi_input.media_sources.1.name',
      /"a" is that of another/,
    ],
    [
      ask('multi_input', { media_sources: [image(RED, { name: 'x'.repeat(101) })] }),
      'parameter_invalid',
      'multi_input.media_sources.0.name',
      /at most 100 characters/,
    ],
    [
      ask('multi_input', { media_sources: [image(RED, { name: '' })] }),
      'parameter_invalid',
      'multi_input.media_sources.0.name',
      /must not be empty/,
    ],
    [
      ask('multi_input', { input_text: 'like <@b>', media_sources: [image(RED)] }),
      'parameter_invalid',
      'multi_input.input_text',
      /refers to <@b>, which is no source\. None has a name\./,
    ],
    [ask('multi_input', { input_text: '' }), 'parameter_invalid', 'multi_input.input_text', /must not be empty/],
    [text('dogs', { text_image: {} }), 'parameter_not_provided', 'text_image.media_source'],
    [
      ask('multi_input', { input_text: 'like <@b>', media_sources: [image(RED, { name: 'a' })] }),
      'parameter_invalid',
      'multi_input.input_text',
      /refers to <@b>, which is no source\. Named are a/,
    ],
    [
      ask('audio', { media_source, embedding_type: ['fused_embedding'] }),
      'parameter_invalid',
      'audio.embedding_type',
      /do not compare/,
    ],
    [ask('video', { media_source, end_sec: 0 }), 'parameter_invalid', 'video.end_sec', /more than start_sec/],
    [
      ask('multi_input', { media_sources: [image(RED), image(SMALL)] }),
      'image_resolution_too_low',
      'multi_input.media_sources.1',
      /^multi_input\.media_sources\.1: The image has 100×100 pixels/,
    ],
  ];
  for (const [body, code, field, message] of faults) {
    const response = await post(t, body);
    const what = JSON.stringify(body).slice(0, 200);
    assert.equal(response.statusCode, 400, what);
    const error = response.json();
    assert.equal(error.code, code, `${what}\n${response.body}`);
    assert.equal(error.details?.field, field, `${what}\n${response.body}`);
    if (message) assert.match(error.message, message);
    assert.deepEqual(error.error, { code: error.code, message: error.message, details: error.details });
  }
  const space = await post(t, ask('video', { media_source }), '?space=visual');
  assert.match(space.json().message, /space goes with text and images/);
  assert.equal((await post(t, text('dogs'), '?spcae=visual')).json().code, 'parameter_unknown');
});

test('the largest request that is allowed is answered', async () => {
  await using t = await openTestApp(undefined, { bundle: ONE_SPACE });
  const names = Array.from({ length: 10 }, (_, i) => `${i}`.padEnd(100, 'x'));
  const named = names.map((name) => image(RED, { name }));
  const input_text = `x ${names.map((name) => `<@${name}>`).join(' ')}`;
  const response = await post(t, ask('multi_input', { input_text, media_sources: named }));
  assert.equal(response.statusCode, 200, response.body);
  const plain = await post(t, ask('multi_input', { input_text: 'x', media_sources: named }));
  assert.deepEqual(response.json().data, plain.json().data, 'references are no words');
  assert.equal((await post(t, text('x'))).statusCode, 200);
});

test('nothing stays on disk, whether a query is answered or not', async () => {
  await using t = await openTestApp();
  assert.equal((await post(t, ask('image', { media_source: { base64_string: RED } }))).statusCode, 200);
  assert.equal((await post(t, ask('image', { media_source: { base64_string: SMALL } }))).statusCode, 400);
  assert.deepEqual(await readdir(join(t.blobs.root, 'scratch')), []);
});

test('a query that the closing server breaks off is answered with 503 and when to come again', async () => {
  await using t = await openTestApp();
  t.deps.queries.close();
  const response = await post(t, ask('image', { media_source: { base64_string: RED } }));
  assert.equal(response.statusCode, 503);
  assert.equal(response.headers['retry-after'], '5');
});

test('the OpenAPI document shows every kind of input', async () => {
  await using t = await openTestApp();
  const { paths, components } = (await t.app.inject({ url: '/openapi.json' })).json();
  const operation = paths['/v1.3/embed-v2'].post;
  const { anyOf } = operation.requestBody.content['application/json'].schema;
  assert.equal(anyOf[0].$ref, '#/components/schemas/CreateEmbeddingRequest');
  const { properties } = components.schemas.CreateEmbeddingRequest;
  for (const name of ['text', 'image', 'text_image', 'audio', 'video', 'multi_input', 'embedding_dimension']) {
    assert.ok(properties[name], name);
  }
  assert.equal(Object.keys(operation.responses).join(), '200,400,401,408,409,413,415,429,500,503');
});

function assertMean(got: number[], parts: number[][]): void {
  const sum = got.map((_, i) => parts.reduce((total, part) => total + part[i]!, 0));
  const norm = Math.hypot(...sum);
  assert.equal(got.length, parts[0]!.length);
  for (const [i, value] of got.entries()) assert.ok(Math.abs(value - sum[i]! / norm) < 1e-6);
}
