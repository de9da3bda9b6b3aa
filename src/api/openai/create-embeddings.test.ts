import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { CONFIGURED_KEY, openTestApp, type TestApp } from '../../../test/support/app.ts';
import { createSignalBundle } from '../../encode/signal/bundle.ts';
import { textEncoder } from '../../encode/signal/text/text.ts';

const bearer = { authorization: `Bearer ${CONFIGURED_KEY}` };
const picture = async (background: string, size = 200) => {
  const image = sharp({ create: { width: size, height: size, channels: 3, background } });
  return `data:image/png;base64,${(await image.png().toBuffer()).toString('base64')}`;
};
const RED = await picture('red');
const SMALL = await picture('red', 100);
const url = (image_url: unknown) => ({ type: 'image_url', image_url });
const words = (text: string) => ({ type: 'text', text });

const ONE_SPACE = {
  ...createSignalBundle(),
  spaces: { visual: 'one', audio: 'one', transcription: 'one' },
  textQuerySpaces: ['one'],
  textQueries: [{ ...textEncoder, space: 'one' }],
  dimensions: [128, 512],
};

async function post({ app }: TestApp, payload: object, { headers = bearer, query = '' } = {}) {
  const response = await app.inject({ method: 'POST', url: `/v1/embeddings${query}`, headers, payload });
  return { status: response.statusCode, body: response.json(), headers: response.headers };
}

/** Vector of the same input by `POST /embed-v2`. */
async function byV2({ app }: TestApp, body: object): Promise<number[]> {
  const payload = { model_name: 'marengo3.0', ...body };
  const response = await app.inject({ method: 'POST', url: '/v1.3/embed-v2', headers: bearer, payload });
  return response.json().data[0].embedding;
}

test('a list of texts gets a list of vectors, in order, in the shape of OpenAI', async () => {
  await using t = await openTestApp();
  const input = ['dogs', 'a cat sleeps', 'rain'];
  const { status, body, headers } = await post(t, { model: 'marengo3.0', input, user: 'me' });
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(headers['reelvec-bundle'], 'signal@1');
  assert.deepEqual(
    { ...body, data: [] },
    {
      object: 'list',
      data: [],
      model: 'marengo3.0',
      usage: { prompt_tokens: 5, total_tokens: 5 },
    },
  );
  for (const [index, input_text] of input.entries()) {
    const embedding = await byV2(t, { input_type: 'text', text: { input_text } });
    assert.deepEqual(body.data[index], { object: 'embedding', index, embedding });
  }
  assert.equal(body.data.length, input.length);
});

test('base64 is the same float32 values', async () => {
  await using t = await openTestApp();
  const { body } = await post(t, { model: 'marengo3.0', input: 'dogs', encoding_format: 'base64' });
  const bytes = Buffer.from(body.data[0].embedding, 'base64');
  const values = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
  const plain = await post(t, { model: 'marengo3.0', input: 'dogs' });
  assert.deepEqual(values, plain.body.data[0].embedding.map(Math.fround));
});

test('images come as a part, alone, beside texts, or in one vector with a text', async () => {
  await using t = await openTestApp(undefined, { bundle: ONE_SPACE });
  const base64_string = RED.slice(RED.indexOf(',') + 1);
  const image = await byV2(t, { input_type: 'image', image: { media_source: { base64_string } } });
  const text_image = { input_text: 'dogs', media_source: { base64_string } };
  const both = await byV2(t, { input_type: 'text_image', text_image });
  const inputs = [url(RED), url({ url: RED, detail: 'low' }), { image: RED }, { content: [url(RED)] }];
  const { body } = await post(t, { model: 'marengo3.0', input: [...inputs, { content: [words('dogs'), url(RED)] }] });
  assert.deepEqual(
    body.data.map(({ embedding }: { embedding: number[] }) => embedding),
    [...inputs.map(() => image), both],
    JSON.stringify(body).slice(0, 300),
  );
  const messages = [{ role: 'user', content: [url({ url: RED }), words('dogs')] }];
  const chat = await post(t, { model: 'marengo3.0', messages });
  assert.deepEqual(chat.body.data[0].embedding, both);
  assert.deepEqual((await post(t, { model: 'marengo3.0', input: url(RED) })).body.data[0].embedding, image);
});

test('vectors can be shorter, and text can be of another space, where the bundle has them', async () => {
  const signal = createSignalBundle();
  const visual = signal.spaces.visual!;
  const encode = async () => [new Float32Array(512).fill(Math.fround(1 / Math.sqrt(512)))];
  const textQueries = [...signal.textQueries, { ...textEncoder, space: visual, encode }];
  const textQuerySpaces = [...signal.textQuerySpaces, visual];
  await using t = await openTestApp(undefined, { bundle: { ...signal, textQueries, textQuerySpaces } });
  const first = await post(t, { input: 'dogs' });
  assert.equal(new Set(first.body.data[0].embedding).size, 1, 'the vector that compares with pictures');
  const transcript = await post(t, { input: 'dogs' }, { query: '?space=transcription' });
  assert.ok(new Set(transcript.body.data[0].embedding).size > 1);

  await using one = await openTestApp(undefined, { bundle: ONE_SPACE });
  const { body } = await post(one, { input: 'dogs', dimensions: 128 });
  assert.equal(body.data[0].embedding.length, 128);
});

const REFUSED: [body: object, code: string, param: string | null, message: RegExp][] = [
  [{ model: 'text-embedding-3-small', input: 'a' }, 'parameter_invalid', 'model', /^model must be "marengo3.0"/],
  [{ model: 'marengo3.0' }, 'parameter_not_provided', 'input', /^input is required/],
  [{ input: [] }, 'parameter_invalid', 'input', /^input /],
  [{ input: ' ' }, 'parameter_invalid', 'input', /^input must not be blank/],
  [{ input: ['a', 'word '.repeat(501)] }, 'parameter_invalid', 'input.1', /^input\.1 has 501 words/],
  [{ input: [1, 2, 3] }, 'parameter_invalid', 'input', /token ids.*check_embedding_ctx_length/],
  [{ input: [[1, 2, 3]] }, 'parameter_invalid', 'input', /token ids/],
  [{ input: 'a', dimensions: 1536 }, 'parameter_invalid', 'dimensions', /512: got 1536/],
  [{ input: 'a', encoding_format: 'int8' }, 'parameter_invalid', 'encoding_format', /"float" or "base64"/],
  [{ input: 'a', messages: [{ role: 'user', content: 'a' }] }, 'parameter_invalid', 'input', /Send one of the two/],
  [{ input: 'a', truncate: true }, 'parameter_unknown', 'truncate', /Known here/],
  [{ input: ['a', url('ftp://a.test/b')] }, 'parameter_invalid', 'input.1.image_url', /an http\(s\) URL/],
  [{ input: [url({ url: SMALL })] }, 'image_resolution_too_low', 'input.0.image_url.url', /100×100/],
  [{ input: { image: 'data:image/png;base64,****' } }, 'parameter_invalid', 'input.image', /^input\.image /],
  [{ input: { content: [words('a'), url(RED)] } }, 'parameter_invalid', 'input', /cannot bring text and pictures/],
];
test('what is wrong is named in the shape of OpenAI', async () => {
  await using t = await openTestApp();
  for (const [body, code, param, message] of REFUSED) {
    const { status, body: refusal } = await post(t, body);
    assert.deepEqual([status, Object.keys(refusal)], [400, ['error']], JSON.stringify(refusal));
    const { error } = refusal;
    assert.deepEqual([error.type, error.code, error.param], ['invalid_request_error', code, param], error.message);
    assert.match(error.message, message);
  }
});

test('a wrong key, invalid JSON and a fault of the server have the shape too', async () => {
  await using t = await openTestApp();
  const stranger = await post(t, { input: 'a' }, { headers: { authorization: 'Bearer nobody' } });
  assert.equal(stranger.status, 401);
  assert.partialDeepStrictEqual(stranger.body, { error: { type: 'authentication_error', code: 'api_key_invalid' } });
  const headers = { ...bearer, 'content-type': 'application/json' };
  const broken = await t.app.inject({ method: 'POST', url: '/v1/embeddings', headers, payload: '{"input"' });
  assert.equal(broken.json().error.type, 'invalid_request_error');
});
