import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { openTestApp } from '../../../test/support/app.ts';
import { validatorOf } from '../../../test/support/openapi-validator.ts';
import { EXAMPLES } from './examples.ts';
import { nameSchemas } from './schemas.ts';
import { type Document, type JsonObject, operationsOf } from './types.ts';

let document: Document;
before(async () => {
  await using t = await openTestApp();
  document = (await t.app.inject('/openapi.json')).json();
});

test('every operation has a name of its own, and declares the errors of its kind', async () => {
  const operations = operationsOf(document);
  const ids = operations.map(({ operationId }) => operationId);
  assert.equal(new Set(ids).size, ids.length, String(ids.sort()));
  assert.ok(!ids.includes(undefined!));
  for (const id of Object.keys(EXAMPLES)) assert.ok(ids.includes(id), `the example of ${id} has an operation`);
  for (const { operationId, requestBody, responses, security } of operations) {
    const declared = Object.keys(responses);
    const expected = ['400', '500', ...(security ? [] : ['401']), ...(requestBody ? ['413', '415'] : [])];
    for (const status of expected) assert.ok(declared.includes(status), `${operationId} declares ${status}`);
  }
});

test('the examples are valid by the document that has them', async () => {
  const validate = validatorOf(document);
  let count = 0;
  for (const { operationId, requestBody, responses } of operationsOf(document)) {
    for (const part of [requestBody, ...Object.values(responses)]) {
      for (const { schema, example, examples } of Object.values(part?.content ?? {})) {
        for (const value of [example, ...Object.values(examples ?? {}).map(({ value }) => value)]) {
          if (value === undefined) continue;
          assert.equal(validate(schema!, value), undefined, operationId);
          count++;
        }
      }
    }
  }
  assert.ok(count > 8, `${count} examples`);
});

test('what is absent may be null in requests, and no type but those of the formats is left out', async () => {
  const validate = validatorOf(document);
  const schema = document.paths['/v1.3/embed-v2/tasks']!['post']!.requestBody!.content['application/json']!.schema!;
  const video = { media_source: { url: 'https://a.test/f.mp4', asset_id: null }, start_sec: null, segmentation: null };
  const body = { input_type: 'video', model_name: 'marengo3.0', audio: null, video };
  assert.equal(validate(schema, body), undefined);
  assert.match(validate(schema, { ...body, model_name: null })!, /model_name/);
  assert.match(validate(schema, { ...body, other: 1 })!, /additional/);
  const types = (path: string, method: string, status: string) =>
    Object.keys(document.paths[path]![method]!.responses[status]!.content!).join();
  assert.equal(
    types('/v1.3/embed-v2/tasks/{task_id}', 'get', '200'),
    'application/json,application/x-ndjson,application/vnd.apache.arrow.file,application/vnd.apache.parquet',
  );
  assert.equal(types('/v1.3/embed-v2/tasks/{task_id}/events', 'get', '200'), 'text/event-stream');
  assert.equal(types('/metrics', 'get', '200'), 'text/plain');
});

test('the document says what it is, where the API lies and which key it needs', async () => {
  for (const [publicUrl, url] of [
    [undefined, '/'],
    ['https://vectors.test/sub/', 'https://vectors.test/sub'],
  ] as const) {
    await using t = await openTestApp((deps) => ({ ...deps, ...(publicUrl && { publicUrl }) }));
    const { openapi, info, servers, tags, security, components } = (await t.app.inject('/openapi.json')).json();
    assert.deepEqual([openapi, info.title, info.version], ['3.1.0', 'reelvec', '0.0.0-test']);
    assert.deepEqual(info.license, { name: 'Apache-2.0', identifier: 'Apache-2.0' });
    assert.deepEqual(servers, [{ url }]);
    assert.deepEqual(security, [{ key: [] }]);
    assert.deepEqual(components.securitySchemes, { key: { type: 'apiKey', in: 'header', name: 'x-api-key' } });
    for (const name of ['embed-v2', 'assets', 'operations']) {
      assert.ok(tags.some((tag: { name: string }) => tag.name === name));
    }
  }
});

test('only monitoring and signed links need no key', async () => {
  const open = operationsOf(document).filter(({ security }) => security?.length === 0);
  assert.deepEqual(open.map(({ operationId }) => operationId).sort(), [
    'health',
    'readiness',
    'retrieveThumbnail',
    'uploadChunk',
  ]);
  assert.ok(!Object.keys(document.paths).some((path) => ['/', '/openapi.json', '/docs'].includes(path)));
});

test('types have names, in order, and a reference keeps the description and the default of its place', async () => {
  const names = Object.keys(document.components.schemas);
  assert.deepEqual(names, names.toSorted());
  const propertiesOf = (name: string) => (document.components.schemas[name] as JsonObject)['properties'] as JsonObject;
  const { media_source, start_sec, segmentation } = propertiesOf('VideoInputRequest');
  assert.deepEqual(media_source, {
    $ref: '#/components/schemas/MediaSource',
    description: 'exactly one of the three',
  });
  assert.deepEqual(propertiesOf('EmbeddingTaskResponse')['metadata'], {
    anyOf: [
      { $ref: '#/components/schemas/EmbeddingMediaMetadata' },
      { $ref: '#/components/schemas/AsyncImageMetadata' },
    ],
    description: 'once the media is known',
  });
  assert.partialDeepStrictEqual(document.components.schemas['VideoInputRequest'], { required: ['media_source'] });
  assert.ok(!('title' in (document.components.schemas['MediaSource'] as JsonObject)));
  assert.deepEqual(start_sec, {
    description: 'start of the range, in seconds from the start of the file',
    default: 0,
    anyOf: [{ type: 'number', minimum: 0 }, { type: 'null' }],
  });
  assert.deepEqual(segmentation, {
    description: 'default: dynamic, at least 4 s',
    anyOf: [{ $ref: '#/components/schemas/VideoSegmentation' }, { type: 'null' }],
  });
  const { strategy } = propertiesOf('VideoSegmentation');
  assert.partialDeepStrictEqual(strategy, { type: 'string', enum: ['dynamic', 'fixed'] });
});

test('two different types of the same name are refused', () => {
  const operation = (schema: object, status: string) => ({
    operationId: status,
    responses: { [status]: { description: '', content: { 'application/json': { schema } } } },
  });
  const documentOf = (...schemas: object[]) =>
    ({
      paths: Object.fromEntries(schemas.map((schema, i) => [`/${i}`, { get: operation(schema, `20${i}`) }])),
      components: { schemas: {} },
    }) as unknown as Document;
  const film = { title: 'Film', type: 'object', properties: { title: { type: 'string' } } };
  const same = documentOf(film, { ...film, description: 'of today' }, { type: 'array', items: film });
  nameSchemas(same);
  assert.deepEqual(same.components.schemas, { Film: { type: 'object', properties: film.properties } });
  const schemaOf = (path: string) =>
    Object.values(same.paths[path]!['get']!.responses)[0]!.content!['application/json']!.schema;
  assert.deepEqual(schemaOf('/1'), { $ref: '#/components/schemas/Film', description: 'of today' });
  assert.deepEqual(schemaOf('/2'), { type: 'array', items: { $ref: '#/components/schemas/Film' } });
  assert.throws(() => nameSchemas(documentOf(film, { ...film, type: 'array' })), /Two schemas are called Film\./);
});

test('path parameters and answers have the examples of their operation', async () => {
  const operations = operationsOf(document);
  for (const [id, { parameters = {}, answer }] of Object.entries(EXAMPLES)) {
    const operation = operations.find(({ operationId }) => operationId === id)!;
    for (const [name, value] of Object.entries(parameters)) {
      assert.equal(operation.parameters?.find((parameter) => parameter.name === name)?.example, value, `${id} ${name}`);
    }
    const success = Object.entries(operation.responses).find(([status]) => status.startsWith('2'))![1];
    assert.deepEqual(success.content?.['application/json']?.example, answer, id);
  }
});

test('types have the names of the TwelveLabs documents, from which clients are generated', () => {
  for (const name of [
    'CreateAsyncEmbeddingRequest',
    'CreateEmbeddingRequest',
    'EmbeddingSuccessResponse',
    'EmbeddingTaskResponse',
    'EmbeddingTask',
    'EmbeddingData',
    'EmbeddingMediaMetadata',
    'MediaSource',
    'VideoInputRequest',
    'AudioInputRequest',
    'PageInfo',
    'Asset',
    'AssetDetail',
    'AssetTechnicalMetadata',
    'PresignedUrlChunk',
    'EmbeddingResponse',
    'TextEmbeddingResult',
    'ImageEmbeddingResult',
    'AudioEmbeddingResult',
    'BaseSegment',
    'AudioSegment',
  ]) {
    assert.ok(document.components.schemas[name], name);
  }
});

test('a progress is a share, and forms have their files', () => {
  const task = document.components.schemas['EmbeddingTaskResponse'] as JsonObject;
  const { progress } = task['properties'] as { progress: JsonObject };
  const { fraction } = progress['properties'] as { fraction: JsonObject };
  assert.deepEqual(fraction, { type: 'number', minimum: 0, maximum: 1 });
  for (const [path, files] of [
    ['/v1.3/assets', ['file']],
    ['/v1.3/embed', ['image_file', 'audio_file']],
    ['/v1.3/embed/tasks', ['video_file']],
  ] as const) {
    const { schema } = document.paths[path]!['post']!.requestBody!.content['multipart/form-data']!;
    const { properties } = schema as { properties: JsonObject };
    for (const file of files) assert.ok(properties[file], `${path} ${file}`);
  }
});
