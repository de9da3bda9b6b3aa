import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audioBody, postTask, videoBody } from '../../../test/support/api-tasks.ts';
import { openTestApp, type TestApp } from '../../../test/support/app.ts';
import { describeBundle } from '../../encode/bundles.ts';
import type { TaskRequest } from '../../tasks/request.ts';
import { createdTask } from './schemas.ts';

const url = 'https://media.test/a.mp4';
type Fields = Record<string, unknown>;

async function accepted(t: TestApp, body: object): Promise<TaskRequest> {
  const response = await postTask(t, body);
  assert.equal(response.statusCode, 202, response.body);
  const id = createdTask.strict().parse(response.json())._id;
  return (await t.tasks.get(id))!.request;
}

test('202 has the id and where to poll it, absolute', async () => {
  await using t = await openTestApp();
  const response = await postTask(t, videoBody(), { host: 'reelvec.test:1212' });
  assert.deepEqual(response.json(), { _id: t.started[0], status: 'processing', data: null });
  assert.equal(response.headers['location'], `http://reelvec.test:1212/v1.3/embed-v2/tasks/${t.started[0]}`);

  await using behind = await openTestApp((deps) => ({ ...deps, publicUrl: 'https://vectors.test/sub/' }));
  const { headers: given } = await postTask(behind, videoBody());
  assert.equal(given['location'], `https://vectors.test/sub/v1.3/embed-v2/tasks/${behind.started[0]}`);
});

test('what is left out has the defaults of the API', async () => {
  await using t = await openTestApp();
  assert.deepEqual(await accepted(t, videoBody()), {
    inputType: 'video',
    modelName: 'marengo3.0',
    source: { kind: 'url', url },
    filename: 'a.mp4',
    startSec: 0,
    segmentation: { strategy: 'dynamic', minDurationSec: 4 },
    options: ['visual', 'audio', 'transcription'],
    scopes: ['clip', 'asset'],
  });
  assert.deepEqual(await accepted(t, audioBody()), {
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
  const plain = await accepted(t, videoBody());
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
  assert.deepEqual(await accepted(t, videoBody(all, top)), plain);
  assert.deepEqual(await accepted(t, videoBody({ segmentation: null })), plain);
});

test('every field reaches the task', async () => {
  await using t = await openTestApp();
  const request = await accepted(t, {
    ...videoBody({
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
    const expected = { strategy: 'dynamic', minDurationSec: seconds };
    assert.deepEqual((await accepted(t, videoBody(given))).segmentation, expected);
  }
  for (const seconds of [1, 10]) {
    const given = { segmentation: { strategy: 'fixed', fixed: { duration_sec: seconds } } };
    const expected = { strategy: 'fixed', durationSec: seconds };
    assert.deepEqual((await accepted(t, videoBody(given))).segmentation, expected);
    assert.deepEqual((await accepted(t, audioBody(given))).segmentation, expected);
  }
  const range = await accepted(t, videoBody({ start_sec: 0, end_sec: 0.1, embedding_scope: 'clip' }));
  assert.deepEqual([range.startSec, range.endSec, range.scopes], [0, 0.1, ['clip']]);
});

const ONE_SPACE = {
  ...describeBundle('signal'),
  spaces: { visual: 'one', audio: 'one', transcription: 'text' },
  dimensions: [128, 256, 512],
};

test('a bundle whose options share a space makes fused vectors of them, and its vectors can be shorter', async () => {
  await using t = await openTestApp((deps) => ({ ...deps, embedding: { ...deps.embedding, bundle: ONE_SPACE } }));
  const stored = async (fields: Fields, top: Fields = {}) => {
    const response = await postTask(t, videoBody({ embedding_option: ['visual', 'audio'], ...fields }, top));
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

  const apart = await postTask(t, videoBody({ embedding_type: ['fused_embedding'] }));
  assert.equal(apart.statusCode, 400);
  assert.match(apart.json().message, /spaces that do not compare/);
  const odd = await postTask(t, videoBody({}, { embedding_dimension: 100 }));
  assert.match(odd.json().message, /embedding_dimension must be 128 or 256 or 512: got 100/);
});

test('base64 of the largest size goes through', async () => {
  await using t = await openTestApp();
  const bytes = Buffer.alloc(36 * 1024 ** 2);
  Buffer.from('00000020667479706d703432', 'hex').copy(bytes);
  assert.deepEqual(
    (await accepted(t, videoBody({ media_source: { base64_string: bytes.toString('base64') } }))).source,
    {
      kind: 'base64',
    },
  );
});
