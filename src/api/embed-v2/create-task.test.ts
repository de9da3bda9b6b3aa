import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIGURED_KEY, openTestApp, type TestApp } from '../../../test/support/app.ts';
import { describeBundle } from '../../encode/bundles.ts';
import type { TaskRequest } from '../../tasks/request.ts';
import { createdTask } from './schemas.ts';

const headers = { 'x-api-key': CONFIGURED_KEY };
const url = 'https://media.test/a.mp4';
type Fields = Record<string, unknown>;

function post({ app }: TestApp, payload: object, more: Record<string, string> = {}) {
  return app.inject({ method: 'POST', url: '/v1.3/embed-v2/tasks', headers: { ...headers, ...more }, payload });
}

const video = (fields: Fields = {}, top: Fields = {}) => ({
  input_type: 'video',
  model_name: 'marengo3.0',
  video: { media_source: { url }, ...fields },
  ...top,
});
const audio = (fields: Fields = {}) => ({
  input_type: 'audio',
  model_name: 'marengo3.0',
  audio: { media_source: { url }, ...fields },
});

async function accepted(t: TestApp, body: object): Promise<TaskRequest> {
  const response = await post(t, body);
  assert.equal(response.statusCode, 202, response.body);
  const id = createdTask.strict().parse(response.json())._id;
  return (await t.tasks.get(id))!.request;
}

test('202 has the id and where to poll it, absolute', async () => {
  await using t = await openTestApp();
  const response = await post(t, video(), { host: 'reelvec.test:1212' });
  assert.deepEqual(response.json(), { _id: t.started[0], status: 'processing', data: null });
  assert.equal(response.headers['location'], `http://reelvec.test:1212/v1.3/embed-v2/tasks/${t.started[0]}`);

  await using behind = await openTestApp((deps) => ({ ...deps, publicUrl: 'https://vectors.test/sub/' }));
  const { headers: given } = await post(behind, video());
  assert.equal(given['location'], `https://vectors.test/sub/v1.3/embed-v2/tasks/${behind.started[0]}`);
});

test('what is left out has the defaults of the API', async () => {
  await using t = await openTestApp();
  assert.deepEqual(await accepted(t, video()), {
    inputType: 'video',
    modelName: 'marengo3.0',
    source: { kind: 'url', url },
    filename: 'a.mp4',
    startSec: 0,
    segmentation: { strategy: 'dynamic', minDurationSec: 4 },
    options: ['visual', 'audio', 'transcription'],
    scopes: ['clip', 'asset'],
  });
  assert.deepEqual(await accepted(t, audio()), {
    inputType: 'audio',
    modelName: 'marengo3.0',
    source: { kind: 'url', url },
    filename: 'a.mp4',
    startSec: 0,
    segmentation: { strategy: 'fixed', durationSec: 6 },
    options: ['audio', 'transcription'],
    scopes: ['clip', 'asset'],
  });
});

test('null means absent everywhere', async () => {
  await using t = await openTestApp();
  const plain = await accepted(t, video());
  const nulls = { url, base64_string: null, asset_id: null };
  const all = {
    media_source: nulls,
    start_sec: null,
    end_sec: null,
    segmentation: { strategy: 'dynamic', dynamic: { min_duration_sec: 4 }, fixed: null },
    embedding_option: null,
    embedding_scope: null,
    embedding_type: null,
    time_based_metadata: null,
    whatever: null,
  };
  const top = { audio: null, document: null, image: null, embedding_uncertainty: null, embedding_dimension: null };
  assert.deepEqual(await accepted(t, video(all, top)), plain);
  assert.deepEqual(await accepted(t, video({ segmentation: null })), plain);
});

test('every field reaches the task', async () => {
  await using t = await openTestApp();
  const request = await accepted(t, {
    ...video({
      start_sec: 1.5,
      end_sec: 9,
      segmentation: { strategy: 'fixed', fixed: { duration_sec: 10 } },
      embedding_option: 'visual',
      embedding_scope: ['asset'],
      embedding_type: ['separate_embedding'],
    }),
    model_name: 'signal',
    embedding_dimension: 512,
    embedding_uncertainty: false,
  });
  const { startSec, endSec, segmentation, options, scopes, modelName } = request;
  assert.deepEqual(
    { startSec, endSec, segmentation, options, scopes, modelName },
    {
      startSec: 1.5,
      endSec: 9,
      segmentation: { strategy: 'fixed', durationSec: 10 },
      options: ['visual'],
      scopes: ['asset'],
      modelName: 'signal',
    },
  );
  for (const seconds of [1, 5]) {
    const given = { segmentation: { strategy: 'dynamic', dynamic: { min_duration_sec: seconds } } };
    assert.equal((await accepted(t, video(given))).segmentation.strategy, 'dynamic');
  }
});

const fixed = (duration_sec: unknown) => ({ segmentation: { strategy: 'fixed', fixed: { duration_sec } } });
const dynamic = (min_duration_sec: unknown) => ({
  segmentation: { strategy: 'dynamic', dynamic: { min_duration_sec } },
});
const source = (media_source: unknown) => ({ media_source });

/** Body, error code, start of the message, other expected text. */
const REFUSED: [object, string, string, RegExp?][] = [
  [{}, 'parameter_not_provided', 'input_type', /"video" or "audio"/],
  [{ ...video(), input_type: 'text' }, 'parameter_invalid', 'input_type', /"video" or "audio": got "text"/],
  [{ ...video(), input_type: 'document' }, 'parameter_invalid', 'input_type'],
  [
    { ...video(), model_name: 'marengo3.5' },
    'parameter_invalid',
    'model_name',
    /"marengo3\.0" or "signal": got "marengo3\.5"/,
  ],
  [{ ...video(), model_name: 3 }, 'parameter_invalid', 'model_name'],
  [{ ...video(), video: undefined }, 'parameter_not_provided', 'video', /input_type is "video"/],
  [{ ...video(), video: null }, 'parameter_not_provided', 'video'],
  [{ ...video(), video: [] }, 'parameter_invalid', 'video', /must be an object: got \[\]/],
  [
    { ...video(), ...audio(), input_type: 'video' },
    'parameter_invalid',
    'audio',
    /does not go with input_type "video"/,
  ],
  [{ ...audio(), input_type: 'video' }, 'parameter_not_provided', 'video'],
  [{ ...video(), docment: 1 }, 'parameter_unknown', 'docment', /Known here: input_type, model_name, video, audio/],
  [{ ...video(), document: {} }, 'parameter_unknown', 'document', /input_type may be "video" or "audio"/],
  [{ ...video(), image: {} }, 'parameter_unknown', 'image', /input_type may be/],
  [{ ...video(), document: {}, other: 1 }, 'parameter_unknown', 'document', /\. other is not a parameter of this/],
  [
    { ...video(), embedding_uncertainty: true },
    'parameter_invalid',
    'embedding_uncertainty',
    /must be false: got true/,
  ],
  [{ ...video(), embedding_dimension: 128 }, 'parameter_invalid', 'embedding_dimension', /must be 512: got 128/],
  [video({ media_source: undefined }), 'parameter_not_provided', 'video.media_source'],
  [video(source('x')), 'parameter_invalid', 'video.media_source', /must be an object: got "x"/],
  [
    video(source({})),
    'parameter_not_provided',
    'video.media_source',
    /exactly one of url, base64_string and asset_id: got none/,
  ],
  [video(source({ url: null, asset_id: null })), 'parameter_not_provided', 'video.media_source'],
  [video(source({ url, asset_id: 'x' })), 'parameter_invalid', 'video.media_source', /got url and asset_id/],
  [video(source({ url: '' })), 'parameter_invalid', 'video.media_source.url', /must not be empty/],
  [video(source({ url: 7 })), 'parameter_invalid', 'video.media_source.url', /must be a string: got 7/],
  [video(source({ url: 'not a url' })), 'parameter_invalid', 'video.media_source.url'],
  [video(source({ url: 'file:///etc/passwd' })), 'parameter_invalid', 'video.media_source.url'],
  [video(source({ url, name: 'x' })), 'parameter_unknown', 'video.media_source.name'],
  [video(source({ base64_string: '***' })), 'parameter_invalid', 'video.media_source.base64_string'],
  [video(source({ asset_id: 'x' })), 'resource_not_exist', 'video.media_source.asset_id'],
  [video({ start_sec: -1 }), 'parameter_invalid', 'video.start_sec', /at least 0: got -1/],
  [video({ start_sec: '1' }), 'parameter_invalid', 'video.start_sec', /must be a number: got "1"/],
  [video({ end_sec: 0 }), 'parameter_invalid', 'video.end_sec', /more than start_sec, which is 0: got 0/],
  [video({ start_sec: 5, end_sec: 5 }), 'parameter_invalid', 'video.end_sec', /which is 5: got 5/],
  [video({ segmentation: {} }), 'parameter_not_provided', 'video.segmentation.strategy', /"dynamic" or "fixed"/],
  [video({ segmentation: { strategy: 'shots' } }), 'parameter_invalid', 'video.segmentation.strategy', /got "shots"/],
  [
    video({ segmentation: { strategy: 'fixed' } }),
    'parameter_not_provided',
    'video.segmentation.fixed',
    /strategy is "fixed"/,
  ],
  [video({ segmentation: { strategy: 'dynamic' } }), 'parameter_not_provided', 'video.segmentation.dynamic'],
  [video({ segmentation: { fixed: { duration_sec: 5 } } }), 'parameter_not_provided', 'video.segmentation.strategy'],
  [
    video({ segmentation: { strategy: 'fixed', fixed: { duration_sec: 5 }, dynamic: { min_duration_sec: 4 } } }),
    'parameter_invalid',
    'video.segmentation.dynamic',
    /does not go with strategy "fixed"/,
  ],
  [
    video({ segmentation: { temporal: { strategy: 'dynamic' } } }),
    'parameter_not_provided',
    'video.segmentation',
    /marengo3\.0 give strategy/,
  ],
  [video(fixed(0)), 'parameter_invalid', 'video.segmentation.fixed.duration_sec', /at least 1: got 0/],
  [video(fixed(11)), 'parameter_invalid', 'video.segmentation.fixed.duration_sec', /at most 10: got 11/],
  [video(fixed(2.5)), 'parameter_invalid', 'video.segmentation.fixed.duration_sec', /a whole number: got 2\.5/],
  [video(fixed(undefined)), 'parameter_not_provided', 'video.segmentation.fixed.duration_sec'],
  [video(dynamic(6)), 'parameter_invalid', 'video.segmentation.dynamic.min_duration_sec', /at most 5: got 6/],
  [audio(dynamic(4)), 'parameter_invalid', 'audio.segmentation.strategy', /must be "fixed": got "dynamic"/],
  [
    audio({ segmentation: { strategy: 'fixed', fixed: { duration_sec: 6 }, dynamic: {} } }),
    'parameter_unknown',
    'audio.segmentation.dynamic',
  ],
  [video({ embedding_option: [] }), 'parameter_invalid', 'video.embedding_option', /must not be empty/],
  [video({ embedding_option: '' }), 'parameter_invalid', 'video.embedding_option.0'],
  [video({ embedding_option: ['visual', 'visual'] }), 'parameter_invalid', 'video.embedding_option', /twice/],
  [video({ embedding_option: ['visual', 'text'] }), 'parameter_invalid', 'video.embedding_option.1', /got "text"/],
  [video({ embedding_option: 5 }), 'parameter_invalid', 'video.embedding_option', /must be a list: got 5/],
  [
    audio({ embedding_option: ['visual'] }),
    'parameter_invalid',
    'audio.embedding_option.0',
    /"audio" or "transcription": got "visual"/,
  ],
  [video({ embedding_scope: [] }), 'parameter_invalid', 'video.embedding_scope'],
  [
    video({ embedding_scope: 'local' }),
    'parameter_invalid',
    'video.embedding_scope.0',
    /"clip" or "asset": got "local"/,
  ],
  [video({ embedding_type: ['fused'] }), 'parameter_invalid', 'video.embedding_type.0'],
  [
    video({ embedding_type: ['fused_embedding'], embedding_option: ['visual'] }),
    'parameter_invalid',
    'video.embedding_type',
    /at least two/,
  ],
  [
    video({ embedding_type: ['fused_embedding'] }),
    'parameter_invalid',
    'video.embedding_type',
    /"signal" cannot make "fused_embedding".*do not compare/,
  ],
  [video({ embedding_type: ['separate_embedding', 'fused_embedding'] }), 'parameter_invalid', 'video.embedding_type'],
  [video({ time_based_metadata: [] }), 'parameter_unknown', 'video.time_based_metadata', /marengo3\.5/],
  [video({ clip_length: 6 }), 'parameter_unknown', 'video.clip_length', /Known here: .*segmentation/],
];

test('a missing model name is that of marengo3.0', async () => {
  await using t = await openTestApp();
  for (const model_name of [undefined, null]) {
    const response = await post(t, { ...video(), model_name });
    assert.equal(response.statusCode, 202, response.body);
    assert.equal((await t.tasks.get(response.json()._id))?.request.modelName, 'marengo3.0');
  }
});

test('what is wrong is named: the field, what was got, what is allowed', async () => {
  await using t = await openTestApp();
  for (const [body, code, field, also] of REFUSED) {
    const response = await post(t, body);
    const { error, ...flat } = response.json();
    const what = `${JSON.stringify(body)}\n${response.body}`;
    assert.equal(response.statusCode, 400, what);
    assert.deepEqual(error, flat, what);
    assert.equal(flat.code, code, what);
    assert.ok(flat.message.startsWith(field), what);
    if (also) assert.match(flat.message, also, what);
  }
  assert.deepEqual(t.started, []);
  assert.deepEqual(await t.tasks.unstarted(), []);
});

test('a film sent where it does not belong is not repeated in the error', async () => {
  await using t = await openTestApp();
  const film = 'A'.repeat(5_000_000);
  for (const body of [{ ...video(), model_name: film }, { ...video(), [film]: 1 }, video({ embedding_option: film })]) {
    const response = await post(t, body);
    assert.equal(response.statusCode, 400);
    assert.ok(response.body.length < 2000, `${response.body.length} bytes`);
  }
});

const ONE_SPACE = {
  ...describeBundle('signal'),
  spaces: { visual: 'one', audio: 'one', transcription: 'text' },
  dimensions: [128, 256, 512],
};

test('a bundle whose options share a space makes fused vectors of them, and its vectors can be shorter', async () => {
  await using t = await openTestApp((deps) => ({ ...deps, embedding: { ...deps.embedding, bundle: ONE_SPACE } }));
  const stored = async (fields: Fields, top: Fields = {}) => {
    const response = await post(t, video({ embedding_option: ['visual', 'audio'], ...fields }, top));
    assert.equal(response.statusCode, 202, response.body);
    const { fused, dimension } = (await t.tasks.get(response.json()._id))!.request;
    return { fused, dimension };
  };
  assert.deepEqual(await stored({}), { fused: undefined, dimension: undefined });
  assert.deepEqual(await stored({ embedding_type: ['fused_embedding'] }, { embedding_dimension: 128 }), {
    fused: 'instead',
    dimension: 128,
  });
  assert.deepEqual(
    await stored({ embedding_type: ['fused_embedding', 'separate_embedding'] }, { embedding_dimension: 512 }),
    { fused: 'beside', dimension: undefined },
  );
  assert.deepEqual(await stored({ embedding_type: 'separate_embedding' }), { fused: undefined, dimension: undefined });

  const apart = await post(t, video({ embedding_type: ['fused_embedding'] }));
  assert.equal(apart.statusCode, 400);
  assert.match(apart.json().message, /spaces that do not compare/);
  const odd = await post(t, video({}, { embedding_dimension: 100 }));
  assert.match(odd.json().message, /embedding_dimension must be 128 or 256 or 512: got 100/);
});

test('a body nested a hundred thousand deep is refused like any other', async () => {
  await using t = await openTestApp();
  const deep = `{"input_type":"video","model_name":"marengo3.0","video":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  const response = await t.app.inject({
    method: 'POST',
    url: '/v1.3/embed-v2/tasks',
    headers: { ...headers, 'content-type': 'application/json' },
    payload: deep,
  });
  assert.equal(response.statusCode, 400, response.body);
});

test('base64 of the largest size goes through', async () => {
  await using t = await openTestApp();
  const bytes = Buffer.alloc(36 * 1024 ** 2);
  Buffer.from('00000020667479706d703432', 'hex').copy(bytes);
  assert.deepEqual((await accepted(t, video(source({ base64_string: bytes.toString('base64') })))).source, {
    kind: 'base64',
  });
});
