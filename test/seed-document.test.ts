import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { type Document, isObject, type Json, type JsonObject } from '../src/api/openapi/types.ts';
import { CONFIGURED_KEY, openTestApp } from './support/app.ts';
import { validatorOf } from './support/openapi-validator.ts';
import { ROOT } from './support/server.ts';

/** TwelveLabs' OpenAPI document of POST /embed-v2/tasks. It is not part of the repository. */
const PATH = process.env['REELVEC_TEST_SEED_DOCUMENT'] ?? join(ROOT, '../shared/seed-openapi.yaml');
const options = { skip: existsSync(PATH) ? false : 'needs the seed document: set REELVEC_TEST_SEED_DOCUMENT' };
const PREFIX = '#/components/schemas/';

function seedDocument(): Document {
  return withPlainEnums(parse(readFileSync(PATH, 'utf8'))) as unknown as Document;
}

/** Its enums are lists of objects with a `value`. */
function withPlainEnums(value: Json): Json {
  if (Array.isArray(value)) return value.map(withPlainEnums);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, Json] =>
    key === 'enum' && Array.isArray(inner)
      ? [key, inner.map((item) => (isObject(item) ? item['value']! : item))]
      : [key, withPlainEnums(inner)],
  );
  return Object.fromEntries(entries);
}

/** Bodies that use every property of the seed's document. */
function* bodies(): Generator<JsonObject> {
  const fixed = { strategy: 'fixed', fixed: { duration_sec: 6 } };
  const dynamic = { strategy: 'dynamic', dynamic: { min_duration_sec: 4 } };
  const overrides: JsonObject[] = [
    {},
    { start_sec: 0, end_sec: 12.5 },
    { segmentation: fixed },
    { embedding_option: ['audio', 'transcription'], embedding_scope: ['clip'] },
    { embedding_option: ['audio'], embedding_scope: ['clip', 'asset'] },
  ];
  const media_source = { url: 'https://host.test/film.mp4' };
  for (const type of ['audio', 'video']) {
    const more =
      type === 'video' ? [{ segmentation: dynamic }, { embedding_option: ['visual', 'audio', 'transcription'] }] : [];
    for (const wish of [...overrides, ...more]) {
      yield { input_type: type, model_name: 'marengo3.0', [type]: { media_source, ...wish } } as JsonObject;
    }
  }
}

test('the document has the names and the operation id of the seed', options, async () => {
  await using t = await openTestApp();
  const ours = (await t.app.inject('/openapi.json')).json() as Document;
  const seed = seedDocument();
  assert.equal(
    ours.paths['/v1.3/embed-v2/tasks']?.['post']?.operationId,
    seed.paths['/embed-v2/tasks']?.['post']?.operationId,
  );
  // Here one object has both strategies instead of two alternatives; scopes and the only status have no other values.
  const inOne = new Set([
    'VideoSegmentation0',
    'VideoSegmentation1',
    'AudioInputRequestEmbeddingScopeItems',
    'VideoInputRequestEmbeddingScopeItems',
    'EmbedV2TasksPostResponsesContentApplicationJsonSchemaStatus',
  ]);
  for (const name of Object.keys(seed.components.schemas)) {
    if (!inOne.has(name)) assert.ok(name in ours.components.schemas, name);
  }
});

test(
  'bodies that the seed allows are allowed by the document and taken by the server, which answers as the seed says',
  options,
  async () => {
    await using t = await openTestApp();
    const ours = (await t.app.inject('/openapi.json')).json() as Document;
    const validateOurs = validatorOf(ours);
    const validateSeed = validatorOf(seedDocument());
    const request = { $ref: `${PREFIX}CreateAsyncEmbeddingRequest` };
    let count = 0;
    for (const body of bodies()) {
      const text = JSON.stringify(body);
      assert.equal(validateSeed(request, body), undefined, text);
      assert.equal(validateOurs(request, body), undefined, text);
      const response = await t.app.inject({
        method: 'POST',
        url: '/v1.3/embed-v2/tasks',
        headers: { 'x-api-key': CONFIGURED_KEY },
        payload: body,
      });
      assert.equal(response.statusCode, 202, response.body);
      assert.equal(validateSeed({ $ref: `${PREFIX}embed_v2_tasks_create_Response_202` }, response.json()), undefined);
      count++;
    }
    assert.equal(count, 12);
  },
);

test('bodies that the seed forbids are forbidden by the document and refused by the server', options, async () => {
  await using t = await openTestApp();
  const ours = (await t.app.inject('/openapi.json')).json() as Document;
  const validateOurs = validatorOf(ours);
  const validateSeed = validatorOf(seedDocument());
  const request = { $ref: `${PREFIX}CreateAsyncEmbeddingRequest` };
  const video = { media_source: { url: 'https://host.test/film.mp4' } };
  const whole = { input_type: 'video', model_name: 'marengo3.0', video };
  for (const body of [
    { ...whole, input_type: 'document' },
    { ...whole, model_name: 'marengo2.7' },
    { input_type: 'video', video },
    { ...whole, video: {} },
    { ...whole, video: { ...video, start_sec: 'soon' } },
    { ...whole, video: { ...video, embedding_option: ['smell'] } },
    { ...whole, video: { ...video, embedding_scope: ['page'] } },
    { ...whole, video: { ...video, segmentation: { strategy: 'fixed', fixed: {} } } },
    { ...whole, video: { ...video, segmentation: { strategy: 'fixed', fixed: { duration_sec: 2.5 } } } },
  ] as unknown as JsonObject[]) {
    const text = JSON.stringify(body);
    assert.ok(validateSeed(request, body), text);
    assert.ok(validateOurs(request, body), text);
    // reelvec accepts a missing model name; the seed's document does not.
    if (!('model_name' in body)) continue;
    const response = await t.app.inject({
      method: 'POST',
      url: '/v1.3/embed-v2/tasks',
      headers: { 'x-api-key': CONFIGURED_KEY },
      payload: body,
    });
    assert.equal(response.statusCode, 400, text);
  }
});

test('an item of data is one of the seed', options, async () => {
  await using t = await openTestApp();
  const ours = (await t.app.inject('/openapi.json')).json() as Document;
  const validate = [validatorOf(ours), validatorOf(seedDocument())];
  const item = {
    embedding: [0.5, -0.5],
    embedding_option: 'visual',
    embedding_scope: 'clip',
    start_sec: 0,
    end_sec: 4.2,
  };
  for (const check of validate) {
    assert.equal(check({ $ref: `${PREFIX}EmbeddingData` }, item), undefined);
    assert.ok(check({ $ref: `${PREFIX}EmbeddingData` }, { ...item, embedding: null }));
  }
});
