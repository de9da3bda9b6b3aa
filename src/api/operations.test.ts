import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIGURED_KEY, openTestApp } from '../../test/support/app.ts';
import { ReelvecError } from '../errors.ts';

const headers = { 'x-api-key': CONFIGURED_KEY };

test('the OpenAPI document has every route, what it takes and the key it asks for', async () => {
  await using t = await openTestApp();
  const { openapi, info, paths, components, security } = (await t.app.inject('/openapi.json')).json();
  assert.equal(openapi, '3.1.0');
  assert.equal(info.version, '0.0.0-test');
  assert.deepEqual(security, [{ key: [] }]);
  assert.equal(components.securitySchemes.key.name, 'x-api-key');
  const operations = Object.entries<object>(paths).map(([path, item]) => `${path} ${Object.keys(item).sort()}`);
  assert.deepEqual(operations.sort(), [
    '/healthz get',
    '/metrics get',
    '/readyz get',
    '/v1.3/assets get,post',
    '/v1.3/assets/multipart-uploads get,post',
    '/v1.3/assets/multipart-uploads/{upload_id} get,post',
    '/v1.3/assets/multipart-uploads/{upload_id}/chunks/{chunk_index} put',
    '/v1.3/assets/multipart-uploads/{upload_id}/presigned-urls post',
    '/v1.3/assets/{asset_id} delete,get',
    '/v1.3/assets/{asset_id}/thumbnail get',
    '/v1.3/assets/{asset_id}/user-metadata delete,patch,put',
    '/v1.3/embed post',
    '/v1.3/embed-v2 post',
    '/v1.3/embed-v2/tasks get,post',
    '/v1.3/embed-v2/tasks/{task_id} delete,get',
    '/v1.3/embed-v2/tasks/{task_id}/events get',
    '/v1.3/embed/tasks get,post',
    '/v1.3/embed/tasks/{task_id} get',
    '/v1.3/embed/tasks/{task_id}/status get',
    '/v1/embeddings post',
  ]);
  const { operationId, requestBody, responses } = paths['/v1.3/embed-v2/tasks'].post;
  assert.equal(operationId, 'create');
  assert.deepEqual(requestBody.content['application/json'].schema, {
    anyOf: [
      { $ref: '#/components/schemas/CreateAsyncEmbeddingRequest' },
      { $ref: '#/components/schemas/CreateAsyncEmbeddingRequestMarengo35' },
    ],
  });
  const { schemas } = components;
  assert.deepEqual(schemas.CreateAsyncEmbeddingRequest.required, ['input_type', 'model_name']);
  assert.deepEqual(schemas.CreateAsyncEmbeddingRequestModelName.enum, ['marengo3.0', 'signal']);
  assert.deepEqual(schemas.VideoInputRequestEmbeddingOptionItems.enum, ['visual', 'audio', 'transcription']);
  assert.deepEqual(Object.keys(responses).join(), '202,400,401,408,409,413,415,429,500,503');
  assert.ok(responses['202'].headers.Location && responses['429'].headers['Retry-After']);
});

test('metrics count requests by route, not by task, and ask for a key', async () => {
  await using t = await openTestApp();
  assert.equal((await t.app.inject('/metrics')).statusCode, 401);
  for (const id of ['a', 'b']) await t.app.inject({ url: `/v1.3/embed-v2/tasks/${id}`, headers });
  const { body } = await t.app.inject({ url: '/metrics', headers: { authorization: `Bearer ${CONFIGURED_KEY}` } });
  const labels = 'method="GET",route="/v1.3/embed-v2/tasks/:task_id",status="404"';
  assert.ok(body.includes(`reelvec_http_request_seconds_count{${labels}} 2`), body.slice(-1000));
  assert.match(body, /^process_resident_memory_bytes \d+/m);
});

test('a server is ready with the bundle that it serves, and not while it drains or cannot work', async () => {
  const draining = new AbortController();
  let fault: Error | undefined;
  await using t = await openTestApp((deps) => ({
    ...deps,
    serving: { bundle: 'signal@1', device: 'cpu' },
    draining: draining.signal,
    ready: async () => {
      if (fault) throw fault;
    },
  }));
  const base = await t.app.listen();
  const ready = await fetch(`${base}/readyz`);
  assert.deepEqual([ready.status, await ready.json()], [200, { status: 'ok', bundle: 'signal@1', device: 'cpu' }]);
  assert.equal(ready.headers.get('connection'), 'keep-alive');
  const refusal = async () => {
    const response = await fetch(`${base}/readyz`);
    const { code, message } = (await response.json()) as { code: string; message: string };
    assert.deepEqual([response.status, code], [503, 'service_unavailable']);
    return { message, connection: response.headers.get('connection') };
  };
  fault = new Error('a secret');
  assert.match((await refusal()).message, /^The server cannot work right now\. Its log says why\.$/);
  fault = new ReelvecError('service_unavailable', 'The disk is full.');
  assert.equal((await refusal()).message, 'The disk is full.');
  fault = undefined;
  draining.abort();
  const { message, connection } = await refusal();
  assert.match(message, /^The server is about to stop\. Ask another\.$/);
  assert.equal(connection, 'close', 'clients reconnect to another node');
  assert.deepEqual((await t.app.inject('/healthz')).json(), { status: 'ok' }, 'it still lives');
});
