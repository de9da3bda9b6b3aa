import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { InjectOptions } from 'fastify';
import { CONFIGURED_KEY, MP4_HEAD, openTestApp, type TestApp, VIDEO } from '../../../test/support/app.ts';
import { validatorOf } from '../../../test/support/openapi-validator.ts';
import { encodeBlock, writeResult } from '../../tasks/results/results.ts';
import { resultKey } from '../../tasks/work.ts';
import { type Document, type Json, type Operation, operationsOf } from './types.ts';

const headers = { 'x-api-key': CONFIGURED_KEY };

const READ = '200 400 401 500 503';
const READ_ONE = '200 400 401 404 500 503';
const REMOVE_ONE = '204 400 401 404 500 503';
/** Statuses that a client generated from the document can tell apart. */
const STATUSES: Readonly<Record<string, string>> = {
  health: '200 400 500 503',
  readiness: '200 400 500 503',
  metrics: READ,
  create: '202 400 401 408 409 413 415 429 500 503',
  createEmbedding: '200 400 401 408 409 413 415 429 500 503',
  listTasks: READ,
  retrieveTask: '200 304 400 401 404 409 500 503',
  deleteTask: REMOVE_ONE,
  followTask: '200 204 400 401 404 500 503',
  createAsset: '201 400 401 403 408 409 413 415 500 503',
  listAssets: READ,
  retrieveAsset: READ_ONE,
  deleteAsset: '204 400 401 404 409 500 503',
  updateUserMetadata: '204 400 401 404 408 413 415 429 500 503',
  replaceUserMetadata: '204 400 401 404 408 413 415 429 500 503',
  deleteUserMetadata: REMOVE_ONE,
  retrieveThumbnail: '200 400 403 404 500 503',
  createMultipartUpload: '201 400 401 403 408 409 413 415 429 500 503',
  listMultipartUploads: READ,
  retrieveMultipartUpload: READ_ONE,
  createPresignedUrls: '200 400 401 404 408 413 415 429 500 503',
  reportChunks: '200 400 401 404 408 413 415 429 500 503',
  uploadChunk: '200 400 403 404 409 500 503',
  createTextImageAudioEmbeddings: '200 400 401 408 413 415 429 500 503',
  createVideoTask: '200 400 401 408 409 413 415 429 500 503',
  listVideoTasks: READ,
  retrieveVideoTask: READ_ONE,
  retrieveVideoTaskStatus: READ_ONE,
  createOpenAiEmbeddings: '200 400 401 408 413 415 429 500 503',
};

let document: Document;
let operations: ReadonlyMap<string, Operation>;
before(async () => {
  await using t = await openTestApp();
  document = (await t.app.inject('/openapi.json')).json();
  operations = new Map(operationsOf(document).map((operation) => [operation.operationId, operation]));
});

test('each operation declares all of its statuses, with a sentence for each', async () => {
  for (const [id, statuses] of Object.entries(STATUSES)) {
    assert.equal(Object.keys(operations.get(id)!.responses).join(' '), statuses, id);
  }
  for (const { operationId, responses } of operations.values()) {
    for (const [status, { description }] of Object.entries(responses)) {
      assert.match(description, /\w/, `${operationId} ${status}`);
    }
  }
});

/** Headers of reelvec's own in a response, or in a declared one. */
function ownHeaders(given: object | undefined): string[] {
  return Object.keys(given ?? {})
    .map((name) => name.toLowerCase())
    .filter((name) => /^(x-|etag$|location$|retry-after$|reelvec-)/.test(name) && name !== 'x-accel-buffering')
    .sort();
}

async function finish({ blobs, tasks }: TestApp, id: string): Promise<void> {
  const facts = { task: id, bundle: 'signal@1' };
  const range = { startSec: 0, endSec: 4 };
  const embedding = Float32Array.from({ length: 512 }, (_, i) => Number(i === 0));
  const row = { segment: 0, ...range, option: 'visual', scope: 'clip', embedding } as const;
  await blobs.write(`tasks/${id}/block`, encodeBlock([row], { ...facts, segments: 1 }));
  const result = { blocks: [`tasks/${id}/block`], key: resultKey(id), request: { scopes: ['clip', 'asset'] as const } };
  await writeResult({ blobs, ...result, range, facts });
  await tasks.setProbed(id, VIDEO, range);
  await tasks.setReady(id, []);
}

test('the server answers as its document says: status, media type, headers and body', async () => {
  await using t = await openTestApp(undefined, { limits: { tasks: 1, minutesPerDay: 10 } });
  const validate = validatorOf(document);
  const check = async (id: string, status: number, request: InjectOptions) => {
    const response = await t.app.inject({ ...request, headers: { ...headers, ...request.headers } });
    const what = `${id} ${status}`;
    assert.equal(response.statusCode, status, `${what}: ${response.body}`);
    const declared = operations.get(id)!.responses[status]!;
    const type = String(response.headers['content-type']).split(';')[0]!;
    if (response.body === '') assert.equal(declared.content, undefined, what);
    else assert.ok(declared.content?.[type], `${what} declares ${type}`);
    if (type === 'application/json')
      assert.equal(validate(declared.content![type]!.schema!, response.json()), undefined, what);
    // A rate limit is told only to a key that has it, and 503 may come without a time.
    assert.deepEqual(ownHeaders(response.headers), ownHeaders(declared.headers), what);
    return response;
  };
  const TASKS = '/v1.3/embed-v2/tasks';
  const video = { media_source: { url: 'https://media.test/a.mp4' } };
  const body = { input_type: 'video', model_name: 'marengo3.0', video };
  const { _id: id } = (await check('create', 202, { method: 'POST', url: TASKS, payload: body })).json();
  await check('create', 429, { method: 'POST', url: TASKS, payload: body });
  await check('create', 400, { method: 'POST', url: TASKS, payload: {} });
  await check('create', 401, { method: 'POST', url: TASKS, payload: body, headers: { 'x-api-key': 'wrong' } });
  const csv = { 'content-type': 'text/csv' };
  await check('create', 415, { method: 'POST', url: TASKS, payload: 'x', headers: csv });
  await check('retrieveTask', 409, { url: `${TASKS}/${id}?format=arrow` });
  await finish(t, id);
  for (const format of ['json', 'ndjson', 'arrow', 'parquet']) {
    await check('retrieveTask', 200, { url: `${TASKS}/${id}?format=${format}` });
  }
  await check('retrieveTask', 404, { url: `${TASKS}/${'0'.repeat(24)}` });
  await check('listTasks', 200, { url: TASKS });
  await check('followTask', 200, { url: `${TASKS}/${id}/events` });
  await check('followTask', 204, { url: `${TASKS}/${id}/events`, headers: { 'last-event-id': 'end' } });
  await check('deleteTask', 204, { method: 'DELETE', url: `${TASKS}/${id}` });

  const uploads = '/v1.3/assets/multipart-uploads';
  const file = { filename: 'a.mp4', type: 'video', total_size: MP4_HEAD.length };
  const begun = (await check('createMultipartUpload', 201, { method: 'POST', url: uploads, payload: file })).json();
  const upload = `${uploads}/${begun.upload_id}`;
  const { pathname, search } = new URL(begun.upload_urls[0].url);
  const sent = await check('uploadChunk', 200, { method: 'PUT', url: pathname + search, payload: MP4_HEAD });
  await check('uploadChunk', 403, { method: 'PUT', url: `${pathname}${search}x`, payload: MP4_HEAD });
  await check('listMultipartUploads', 200, { url: uploads });
  const links = { start: 1, count: 1 };
  await check('createPresignedUrls', 200, { method: 'POST', url: `${upload}/presigned-urls`, payload: links });
  const proof = String(sent.headers.etag).replaceAll('"', '');
  const chunk = { chunk_index: 1, proof, proof_type: 'etag', chunk_size: MP4_HEAD.length };
  await check('reportChunks', 200, { method: 'POST', url: upload, payload: { completed_chunks: [chunk] } });
  await check('retrieveMultipartUpload', 200, { url: upload });
  const asset = `/v1.3/assets/${begun.asset_id}`;
  await check('retrieveAsset', 200, { url: asset });
  await check('listAssets', 200, { url: '/v1.3/assets' });
  const payload = { user_metadata: { take: 3 } };
  await check('updateUserMetadata', 204, { method: 'PATCH', url: `${asset}/user-metadata`, payload });
  await check('replaceUserMetadata', 204, { method: 'PUT', url: `${asset}/user-metadata`, payload });
  await check('deleteUserMetadata', 204, { method: 'DELETE', url: `${asset}/user-metadata` });
  await check('deleteAsset', 204, { method: 'DELETE', url: asset });
  await check('health', 200, { url: '/healthz' });
  await check('metrics', 200, { url: '/metrics', headers: { authorization: `Bearer ${CONFIGURED_KEY}` } });
});

test('the events of a task are of the declared kind', async () => {
  const validate = validatorOf(document);
  const declared = operations.get('followTask')!.responses['200']!.content!['text/event-stream']!.schema!;
  const event = { id: '1', event: 'progress', data: '{}' };
  for (const name of ['progress', 'segment', 'ready', 'failed']) {
    assert.equal(validate(declared, { ...event, event: name }), undefined, name);
  }
  const faults: Json[] = [
    { ...event, event: '' },
    { ...event, id: 1 },
    { ...event, data: {} },
    { id: '1', event: 'ready' },
    { data: '' },
    'x',
  ];
  for (const wrong of faults) {
    assert.ok(validate(declared, wrong), JSON.stringify(wrong));
  }
});

test('headers and binary results have their types, for clients that are generated', async () => {
  const { headers: limits } = operations.get('create')!.responses['429']!;
  for (const [name, { schema, description }] of Object.entries(limits!)) {
    const isNumber = /-(Limit|Used|Remaining|Reset)$|^Retry-After$/.test(name);
    assert.deepEqual(schema, { type: isNumber ? 'integer' : 'string' }, name);
    assert.match(String(description), /\w/, name);
  }
  const { content } = operations.get('retrieveTask')!.responses['200']!;
  for (const type of ['application/vnd.apache.arrow.file', 'application/vnd.apache.parquet']) {
    assert.partialDeepStrictEqual(content![type]!.schema, { type: 'string', contentEncoding: 'binary' });
  }
  assert.deepEqual(operations.get('retrieveThumbnail')!.responses['200']!.content, {
    'image/jpeg': { schema: { type: 'string', contentEncoding: 'binary' } },
  });
});
