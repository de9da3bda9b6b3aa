import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { CONFIGURED_KEY, openTestApp, type TestApp } from '../../../test/support/app.ts';
import { createSignalBundle } from '../../encode/signal/bundle.ts';
import { textEncoder } from '../../encode/signal/text/text.ts';
import { createdEmbedding, retrievedTask, taskPage } from './schemas.ts';

const headers = { 'x-api-key': CONFIGURED_KEY };
type Fields = Record<string, unknown>;

async function post({ app }: TestApp, path: string, payload: Fields) {
  const response = await app.inject({
    method: 'POST',
    url: `/v1.3${path}`,
    headers,
    payload: { model_name: 'marengo3.5', ...payload },
  });
  return { status: response.statusCode, body: response.json() };
}

const source = (kind: string, more: Fields = {}) => ({
  input_type: kind,
  [kind]: { media_source: { url: 'https://media.test/a.mp4' }, ...more },
});
const multi = (multi_input: Fields, more: Fields = {}) => ({ input_type: 'multi_input', multi_input, ...more });
const PNG = (
  await sharp({ create: { width: 200, height: 200, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
).toString('base64');
const image = (more: Fields = {}) => ({ media_type: 'image', base64_string: PNG, ...more });

const ONE_SPACE = {
  ...createSignalBundle(),
  spaces: { visual: 'one', audio: 'one', transcription: 'one' },
  textQuerySpaces: ['one'],
  textQueries: [{ ...textEncoder, space: 'one' }],
};

test('a task has the defaults of its generation', async () => {
  await using t = await openTestApp();
  const request = async (body: Fields) =>
    (await t.tasks.get((await post(t, '/embed-v2/tasks', body)).body._id))!.request;
  assert.partialDeepStrictEqual(await request(source('video')), {
    modelName: 'marengo3.5',
    options: ['visual', 'audio'],
    scopes: ['clip', 'asset'],
    segmentation: { strategy: 'dynamic', minDurationSec: 2 },
  });
  assert.partialDeepStrictEqual(await request(source('audio')), {
    options: ['audio'],
    segmentation: { strategy: 'dynamic', minDurationSec: 2 },
  });
});

test('segmentation is wrapped in temporal, and local is a clip by another name', async () => {
  await using t = await openTestApp();
  const segmentation = { temporal: { strategy: 'fixed', fixed: { duration_sec: 3 } } };
  const embedding_scope = ['local', 'asset'];
  const body = source('audio', { segmentation, embedding_scope, embedding_type: ['separate_embedding'] });
  const created = await post(t, '/embed-v2/tasks', { ...body, embedding_dimension: 512, embedding_uncertainty: false });
  assert.equal(created.status, 202, JSON.stringify(created.body));
  assert.partialDeepStrictEqual((await t.tasks.get(created.body._id))!.request, {
    segmentation: { strategy: 'fixed', durationSec: 3 },
    scopes: ['clip', 'asset'],
    requestedScopes: ['local', 'asset'],
  });
});

test('the task of an image is ready at once, with the vector of a query', async () => {
  await using t = await openTestApp();
  const media_source = { base64_string: PNG };
  const body = {
    input_type: 'image',
    image: { media_source, embedding_scope: ['asset'], embedding_option: ['visual'] },
  };
  const created = await post(t, '/embed-v2/tasks', body);
  assert.deepEqual([created.status, created.body.status, created.body.data], [202, 'processing', null]);
  const path = `/v1.3/embed-v2/tasks/${created.body._id}`;
  const task = retrievedTask.parse((await t.app.inject({ url: path, headers })).json());
  const query = await post(t, '/embed-v2', { model_name: 'marengo3.0', input_type: 'image', image: { media_source } });
  assert.equal(task.status, 'ready');
  assert.deepEqual(task.data, [
    {
      embedding: query.body.data[0].embedding,
      embedding_option: 'visual',
      embedding_scope: 'asset',
      start_sec: null,
      end_sec: null,
    },
  ]);
  assert.deepEqual(task.metadata, {
    input_type: 'image',
    embedding_options: ['visual'],
    embedding_scopes: ['asset'],
    bundle: 'signal@1',
  });
  const list = taskPage.parse((await t.app.inject({ url: '/v1.3/embed-v2/tasks', headers })).json());
  const metadata = { image_embedding_option: ['visual'], image_embedding_scope: ['asset'] };
  assert.partialDeepStrictEqual(list.data[0], { status: 'ready', image_embedding: { metadata } });
  assert.deepEqual([t.started, await t.tasks.unstarted()], [[], []]);
  const deleted = await t.app.inject({ method: 'DELETE', url: path, headers });
  assert.equal(deleted.statusCode, 204);
});

test('the same image with the same Idempotency-Key is one task', async () => {
  await using t = await openTestApp();
  const request = {
    method: 'POST',
    url: '/v1.3/embed-v2/tasks',
    headers: { ...headers, 'idempotency-key': 'once' },
    payload: { model_name: 'marengo3.5', input_type: 'image', image: { media_source: { base64_string: PNG } } },
  } as const;
  const ids = [(await t.app.inject(request)).json()._id, (await t.app.inject(request)).json()._id];
  assert.equal(ids[0], ids[1]);
  assert.equal((await Array.fromAsync(t.blobs.list('tasks/'))).length, 1);
});

test('texts about times are kept for the fused vectors', async () => {
  await using t = await openTestApp(undefined, { bundle: ONE_SPACE });
  const time_based_metadata = [{ start: 42.3, end: 42.3, text: 'Shot made.' }];
  const body = video({ embedding_type: ['separate_embedding', 'fused_embedding'], time_based_metadata });
  const created = await post(t, '/embed-v2/tasks', body);
  assert.equal(created.status, 202, JSON.stringify(created.body));
  assert.partialDeepStrictEqual((await t.tasks.get(created.body._id))!.request, {
    fused: 'beside',
    notes: [{ startSec: 42.3, endSec: 42.3, text: 'Shot made.' }],
  });
});

test('multi_input gives one vector and its usage', async () => {
  await using t = await openTestApp(undefined, { bundle: ONE_SPACE });
  const text = await post(t, '/embed-v2', multi({ input_text: 'two dogs play' }));
  assert.equal(text.status, 200, JSON.stringify(text.body));
  const { data, usage, metadata } = createdEmbedding.parse(text.body);
  assert.equal(data.length, 1);
  assert.deepEqual(usage, { input_tokens: { text: 3 }, truncated: false });
  assert.equal(metadata?.input_type, 'multi_input');

  const both = { input_text: 'a dog on <@red>', media_sources: [image({ name: 'red' })] };
  const second = await post(t, '/embed-v2', multi(both));
  const first = await post(t, '/embed-v2', multi(both, { model_name: 'marengo3.0' }));
  assert.deepEqual(second.body.data, first.body.data, 'the vector of marengo3.0');
  assert.equal(first.body.usage, undefined);
});

test('text has at most 2,000 tokens, and is shortened on request', async () => {
  await using t = await openTestApp();
  const input_text = 'word '.repeat(2001);
  const refused = await post(t, '/embed-v2', multi({ input_text }));
  assert.equal(refused.status, 400);
  assert.match(refused.body.message, /2001 words; at most 2000 tokens/);
  const shortened = await post(t, '/embed-v2', multi({ input_text }, { auto_truncate: true }));
  assert.deepEqual(shortened.body.usage, { input_tokens: { text: 2000 }, truncated: true });
  const allowed = await post(t, '/embed-v2', multi({ input_text: 'word '.repeat(2000) }));
  assert.deepEqual(allowed.body.data, shortened.body.data);
  assert.equal(allowed.body.usage.truncated, false);
});

const FUSED = { embedding_type: ['fused_embedding'] };
const dynamic = { strategy: 'dynamic', dynamic: { min_duration_sec: 4 } };
const video = (more: Fields) => source('video', more);
/** Path, body, code, beginning of the message, and more of it. */
const REFUSED: [path: string, body: Fields, code: string, field: string, RegExp?][] = [
  [
    '/embed-v2/tasks',
    { input_type: 'image', image: { media_source: { base64_string: 'AAAA' } } },
    'source_not_media',
    '',
    /an image may be JPEG/,
  ],
  [
    '/embed-v2/tasks',
    source('image', { embedding_scope: ['clip'] }),
    'parameter_invalid',
    'image.embedding_scope.0',
    /"asset"/,
  ],
  ['/embed-v2/tasks', source('document'), 'parameter_invalid', 'input_type', /documents/],
  ['/embed-v2/tasks', { ...source('video'), document: {} }, 'parameter_unknown', 'document', /documents/],
  [
    '/embed-v2/tasks',
    { ...source('video'), embedding_uncertainty: true },
    'parameter_invalid',
    'embedding_uncertainty',
    /uncertain/,
  ],
  ['/embed-v2/tasks', video({ segmentation: dynamic }), 'parameter_not_provided', 'video.segmentation', /temporal/],
  [
    '/embed-v2/tasks',
    video({ segmentation: { temporal: dynamic, spatial: {} } }),
    'parameter_unknown',
    'video.segmentation.spatial',
    /documents/,
  ],
  [
    '/embed-v2/tasks',
    video({ segmentation: { temporal: dynamic, sequential: {} } }),
    'parameter_unknown',
    'video.segmentation.sequential',
    /documents/,
  ],
  [
    '/embed-v2/tasks',
    video({ embedding_option: ['transcription'] }),
    'parameter_invalid',
    'video.embedding_option.0',
    /marengo3\.0/,
  ],
  [
    '/embed-v2/tasks',
    video({ embedding_type: ['fused_embedding'] }),
    'parameter_not_provided',
    'video.time_based_metadata is required',
  ],
  [
    '/embed-v2/tasks',
    video({ time_based_metadata: [{ start: 1, end: 2, text: 'a goal' }] }),
    'parameter_not_provided',
    'video.embedding_type is required',
    /"fused_embedding"/,
  ],
  [
    '/embed-v2/tasks',
    video({ ...FUSED, time_based_metadata: [{ start: 2, end: 1, text: 'a goal' }] }),
    'parameter_invalid',
    'video.time_based_metadata.0.end',
    /at least start, which is 2: got 1/,
  ],
  [
    '/embed-v2/tasks',
    video({ ...FUSED, time_based_metadata: [{ start: 1, end: 2, text: 'a goal' }] }),
    'parameter_invalid',
    'video.embedding_type',
    /spaces that do not compare/,
  ],
  [
    '/embed-v2/tasks',
    source('audio', { embedding_option: ['visual'] }),
    'parameter_invalid',
    'audio.embedding_option.0',
  ],
  [
    '/embed-v2',
    { input_type: 'text', text: { input_text: 'dogs' } },
    'parameter_invalid',
    'input_type',
    /"multi_input" with marengo3\.5/,
  ],
  ['/embed-v2', multi({}), 'parameter_not_provided', 'multi_input'],
  [
    '/embed-v2',
    multi({ media_sources: [image(), image({ media_type: 'audio' })] }),
    'parameter_not_provided',
    'multi_input.input_text',
    /image and audio/,
  ],
  [
    '/embed-v2',
    multi({ media_sources: [image({ media_type: 'document' })] }),
    'parameter_invalid',
    'multi_input.media_sources.0.media_type',
  ],
  [
    '/embed-v2',
    { model_name: 'marengo9', input_type: 'text' },
    'parameter_invalid',
    'model_name',
    /"marengo3.0" or "marengo3.5" or "signal"/,
  ],
];
test('what is wrong is named, and what no bundle can do', async () => {
  await using t = await openTestApp();
  for (const [path, body, code, field, more] of REFUSED) {
    const answer = await post(t, path, body);
    const what = `${JSON.stringify(body).slice(0, 200)}\n${JSON.stringify(answer.body)}`;
    assert.deepEqual([answer.status, answer.body.code], [400, code], what);
    assert.ok(answer.body.message.startsWith(field), what);
    if (more) assert.match(answer.body.message, more, what);
  }
  assert.deepEqual(t.started, []);
});

test('names are a setting', async () => {
  await using t = await openTestApp((deps) => ({ ...deps, modelNames: ['marengo3.0', 'Marengo-retrieval-2.7'] }));
  const refused = await post(t, '/embed-v2/tasks', source('video'));
  assert.match(refused.body.message, /^model_name must be "marengo3.0" or "Marengo-retrieval-2.7" or "signal"/);
  const old = await post(t, '/embed-v2/tasks', { ...source('video'), model_name: 'Marengo-retrieval-2.7' });
  assert.equal(old.status, 202);
  const { components } = (await t.app.inject('/openapi.json')).json();
  assert.ok(!('CreateAsyncEmbeddingRequestMarengo35' in components.schemas));
});
