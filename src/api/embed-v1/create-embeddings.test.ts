import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { CONFIGURED_KEY, openTestApp, type TestApp } from '../../../test/support/app.ts';
import { createSignalBundle } from '../../encode/signal/bundle.ts';
import { textEncoder } from '../../encode/signal/text/text.ts';
import { createdEmbeddings } from './schemas.ts';

type Parts = Readonly<Record<string, string | File>>;

const picture = async (size = 200) =>
  new Uint8Array(
    await sharp({ create: { width: size, height: size, channels: 3, background: 'red' } })
      .png()
      .toBuffer(),
  );
const image = new File([await picture()], 'image');
const small = new File([await picture(100)], 'image');

async function post({ app }: TestApp, parts: Parts) {
  const form = new FormData();
  for (const [name, value] of Object.entries(parts)) form.append(name, value);
  const encoded = new Response(form);
  return app.inject({
    method: 'POST',
    url: '/v1.3/embed',
    headers: { 'content-type': encoded.headers.get('content-type')!, 'x-api-key': CONFIGURED_KEY },
    payload: Buffer.from(await encoded.arrayBuffer()),
  });
}

/** Vector of the same input by `POST /embed-v2`. */
async function byV2({ app }: TestApp, body: object): Promise<number[]> {
  const response = await app.inject({
    method: 'POST',
    url: '/v1.3/embed-v2',
    headers: { 'x-api-key': CONFIGURED_KEY },
    payload: { model_name: 'marengo3.0', ...body },
  });
  return response.json().data[0].embedding;
}

test('text and an image get the vectors of embed-v2, each in a segment of its own result', async () => {
  await using t = await openTestApp();
  const words = await post(t, { model_name: 'marengo3.0', text: 'Two dogs play' });
  assert.equal(words.statusCode, 200, words.body);
  assert.equal(words.headers['reelvec-bundle'], 'signal@1');
  const embedding = await byV2(t, { input_type: 'text', text: { input_text: 'Two dogs play' } });
  assert.deepEqual(words.json(), { model_name: 'marengo3.0', text_embedding: { segments: [{ float: embedding }] } });

  const still = await post(t, { image_file: image, model_name: 'marengo3.0' });
  const base64_string = Buffer.from(await image.arrayBuffer()).toString('base64');
  const float = await byV2(t, { input_type: 'image', image: { media_source: { base64_string } } });
  assert.deepEqual(still.json(), { model_name: 'marengo3.0', image_embedding: { segments: [{ float }] } });
});

test('of several spaces, text gets the vector that compares with pictures', async () => {
  const signal = createSignalBundle();
  const visual = signal.spaces.visual!;
  const encode = async () => [new Float32Array(512).fill(Math.fround(1 / Math.sqrt(512)))];
  const bundle = {
    ...signal,
    textQuerySpaces: [...signal.textQuerySpaces, visual],
    textQueries: [...signal.textQueries, { ...textEncoder, space: visual, encode }],
  };
  await using t = await openTestApp(undefined, { bundle });
  const { text_embedding } = (await post(t, { text: 'dogs' })).json();
  assert.equal(new Set(text_embedding.segments[0].float).size, 1);
});

test('several inputs in a form have results of their own, and the wrong one an error_message', async () => {
  await using t = await openTestApp();
  const response = await post(t, { model_name: 'marengo3.0', text: 'dogs', image_file: small });
  assert.equal(response.statusCode, 200, response.body);
  const body = createdEmbeddings.parse(response.json());
  assert.equal(body.text_embedding?.segments?.[0]?.float.length, 512);
  assert.equal(body.image_embedding?.segments, undefined);
  assert.match(body.image_embedding?.error_message ?? '', /^image_file: .*100×100/);
});

const refused: [parts: Parts, status: number, code: string, field: string | undefined, message: RegExp][] = [
  [{ model_name: 'marengo3.0' }, 400, 'parameter_not_provided', undefined, /^One of text, image_url/],
  [{ text: 'a', model_name: 'other' }, 400, 'parameter_invalid', 'model_name', /"marengo3.0"/],
  [{ text: ' ' }, 400, 'parameter_invalid', 'text', /^text must not be blank/],
  [{ text: 'word '.repeat(501) }, 400, 'parameter_invalid', 'text', /^text has 501 words/],
  [{ image_file: small }, 400, 'image_resolution_too_low', 'image_file', /^image_file: /],
  [{ image_file: new File(['<html>'], 'a') }, 400, 'source_not_media', 'image_file', /The file is/],
  [{ image_file: 'AAAA' }, 400, 'parameter_invalid', 'image_file', /^image_file must be sent as a file/],
  [{ image_url: 'ftp://a.test/b.png' }, 400, 'parameter_invalid', 'image_url', /^image_url /],
  [{ image_url: 'https://a.test/b', image_file: image }, 400, 'parameter_invalid', 'image_url', /Send one of the two/],
  [{ audio_url: 'https://gone.test/a.mp3' }, 400, 'source_unreachable', undefined, /gone\.test/],
  [
    { audio_url: 'https://a.test/b', audio_start_offset_sec: 'x' },
    400,
    'parameter_invalid',
    'audio_start_offset_sec',
    /a number/,
  ],
  [{ video_url: 'https://a.test/b.mp4' }, 400, 'parameter_unknown', 'video_url', /Known here: model_name, text/],
];
test('what is wrong is named by the field of the form', async () => {
  await using t = await openTestApp();
  for (const [parts, status, code, field, message] of refused) {
    const response = await post(t, parts);
    const body = response.json();
    assert.deepEqual([response.statusCode, body.code, body.details?.field], [status, code, field], response.body);
    assert.match(body.message, message);
  }
});

test('what is not a form is refused', async () => {
  await using t = await openTestApp();
  const headers = { 'x-api-key': CONFIGURED_KEY };
  const response = await t.app.inject({ method: 'POST', url: '/v1.3/embed', headers, payload: { text: 'dogs' } });
  assert.equal(response.statusCode, 415);
  assert.match(response.json().message, /multipart\/form-data/);
});
