import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestApp } from '../../../test/support/app.ts';
import { validatorOf } from '../../../test/support/openapi-validator.ts';
import { EXAMPLES } from './examples.ts';
import { type Document, operationsOf } from './types.ts';

test('every operation has a name of its own, and declares the errors of its kind', async () => {
  await using t = await openTestApp();
  const document = (await t.app.inject('/openapi.json')).json() as Document;
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
  await using t = await openTestApp();
  const document = (await t.app.inject('/openapi.json')).json() as Document;
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
  await using t = await openTestApp();
  const document = (await t.app.inject('/openapi.json')).json();
  const validate = validatorOf(document);
  const { schema } = document.paths['/v1.3/embed-v2/tasks'].post.requestBody.content['application/json'];
  const video = { media_source: { url: 'https://a.test/f.mp4', asset_id: null }, start_sec: null, segmentation: null };
  const body = { input_type: 'video', model_name: 'marengo3.0', audio: null, video };
  assert.equal(validate(schema, body), undefined);
  assert.match(validate(schema, { ...body, model_name: null })!, /model_name/);
  assert.match(validate(schema, { ...body, other: 1 })!, /additional/);
  const types = (path: string, method: string, status: string) =>
    Object.keys(document.paths[path][method].responses[status].content).join();
  assert.equal(
    types('/v1.3/embed-v2/tasks/{task_id}', 'get', '200'),
    'application/json,application/x-ndjson,application/vnd.apache.arrow.file,application/vnd.apache.parquet',
  );
  assert.equal(types('/v1.3/embed-v2/tasks/{task_id}/events', 'get', '200'), 'text/event-stream');
  assert.equal(types('/metrics', 'get', '200'), 'text/plain');
});
