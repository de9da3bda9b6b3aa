import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { TwelvelabsApi, TwelvelabsApiClient, TwelvelabsApiError } from 'twelvelabs-js';
import { AUDIO, CONFIGURED_KEY, MP4_HEAD, openTestApp, VIDEO } from '../../../test/support/app.ts';
import { newId } from '../../database/ids.ts';
import { encodeBlock, writeResult } from '../../tasks/results/results.ts';
import { resultKey } from '../../tasks/work.ts';

const t = await openTestApp();
after(() => t[Symbol.asyncDispose]());
await t.app.listen();
const baseUrl = `http://127.0.0.1:${(t.app.server.address() as AddressInfo).port}/v1.3`;
const client = new TwelvelabsApiClient({ apiKey: CONFIGURED_KEY, baseUrl });
const { tasks } = client.embed.v2;
const once = { maxRetries: 0 };
const url = 'https://media.test/a.mp4';

/** Explicit null, which the SDK sends for undefined properties. */
const unset = undefined;

test('tasks are created from a URL, from base64 and from an asset, with nulls for what is unset', async () => {
  const byUrl = await tasks.create({
    inputType: 'video',
    modelName: 'marengo3.0',
    audio: unset,
    embeddingUncertainty: unset,
    video: {
      mediaSource: { url, base64String: unset, assetId: unset },
      startSec: unset,
      endSec: unset,
      segmentation: { strategy: 'dynamic', dynamic: { minDurationSec: 4 } },
      embeddingOption: ['visual'],
      embeddingScope: unset,
      embeddingType: unset,
      timeBasedMetadata: unset,
    },
  });
  assert.equal(byUrl.status, 'processing');
  assert.deepEqual((await t.tasks.get(byUrl.id!))?.request.options, ['visual']);

  const base64String = MP4_HEAD.toString('base64');
  const byBase64 = await tasks.create({
    inputType: 'video',
    modelName: 'marengo3.0',
    video: { mediaSource: { base64String } },
  });
  assert.equal((await t.tasks.get(byBase64.id!))?.request.source.kind, 'base64');

  const owner = (await t.tasks.get(byUrl.id!))!.owner;
  const asset = await t.assets.create({ id: newId(), owner, method: 'direct', filename: 'take.flac' });
  await t.assets.setReady(asset.id, AUDIO);
  const byAsset = await tasks.create({
    inputType: 'audio',
    modelName: 'marengo3.0',
    video: unset,
    audio: { mediaSource: { assetId: asset.id }, segmentation: { strategy: 'fixed', fixed: { durationSec: 6 } } },
  });
  assert.equal((await t.tasks.get(byAsset.id!))?.request.filename, 'take.flac');
});

test('a task is retrieved in each of its states', async () => {
  const { id = '' } = await tasks.create({
    inputType: 'video',
    modelName: 'marengo3.0',
    video: { mediaSource: { url }, segmentation: { strategy: 'fixed', fixed: { durationSec: 5 } } },
  });
  const fresh = await tasks.retrieve(id);
  assert.deepEqual([fresh.id, fresh.status, fresh.data, fresh.metadata], [id, 'processing', undefined, undefined]);

  const range = { startSec: 0, endSec: 20.5 };
  await t.tasks.setProbed(id, VIDEO, range);
  const embedding = new Float32Array(512).fill(Math.fround(1 / Math.sqrt(512)));
  const row = { segment: 0, startSec: 0, endSec: 5, option: 'visual', scope: 'clip', embedding } as const;
  const facts = { task: id, bundle: 'signal@1' };
  const block = `tasks/${id}/block`;
  await t.blobs.write(block, encodeBlock([row], { ...facts, segments: 1 }));
  await writeResult({
    blobs: t.blobs,
    blocks: [block],
    key: resultKey(id),
    request: { scopes: ['clip', 'asset'] },
    range,
    facts,
  });
  await t.tasks.setReady(id, []);
  const ready = await tasks.retrieve(id);
  assert.equal(ready.status, 'ready');
  assert.ok(ready.createdAt instanceof Date && ready.updatedAt instanceof Date);
  assert.partialDeepStrictEqual(ready.metadata, { inputType: 'video', clipLength: 5, duration: 20.5, inputUrl: url });
  assert.deepEqual(
    ready.data?.map((item) => [item.embeddingOption, item.embeddingScope, item.startSec, item.endSec]),
    [
      ['visual', 'clip', 0, 5],
      ['visual', 'asset', 0, 20.5],
    ],
  );
  assert.deepEqual(Float32Array.from(ready.data![0]!.embedding!), embedding);

  const failing = await tasks.create({ inputType: 'video', modelName: 'marengo3.0', video: { mediaSource: { url } } });
  await t.tasks.setFailed(failing.id!, { code: 'video_file_broken', message: 'It breaks off.' });
  const failed = await tasks.retrieve(failing.id!);
  assert.deepEqual([failed.status, failed.data, failed.error?.message], ['failed', undefined, 'It breaks off.']);
});

test('the list iterator reads to the end and no further', async () => {
  const { total } = await t.tasks.list((await t.tasks.unstarted())[0]!.owner, {}, { limit: 1, offset: 0 });
  const ids: string[] = [];
  for await (const task of await tasks.list({ pageLimit: 2 })) {
    assert.ok(task.createdAt);
    const metadata = task.videoEmbedding?.metadata ?? task.audioEmbedding?.metadata;
    assert.ok(metadata);
    ids.push(task.id!);
  }
  assert.equal(ids.length, total);
  assert.equal(new Set(ids).size, total);
  const page = await tasks.list({ status: 'ready', startedAt: '2020-01-01T00:00:00Z' });
  assert.equal(page.data.length, 1);
});

test('every kind of error reaches the caller with its code and sentence', async () => {
  const bodyOf = (error: unknown) => (error as { body: { code: string; error: { code: string } } }).body;
  const video = { mediaSource: { url } };
  const invalid = tasks.create({ inputType: 'video', modelName: 'marengo3.0', video: { ...video, startSec: -1 } });
  await assert.rejects(invalid, (error) => {
    assert.ok(error instanceof TwelvelabsApi.BadRequestError);
    assert.deepEqual([bodyOf(error).code, bodyOf(error).error.code], ['parameter_invalid', 'parameter_invalid']);
    return true;
  });
  await assert.rejects(
    tasks.create({ inputType: 'document', modelName: 'marengo3.5', document: video }),
    (error) =>
      error instanceof TwelvelabsApi.BadRequestError &&
      /input_type must not be \\"document/.test(JSON.stringify(error.body)),
  );
  await assert.rejects(
    tasks.retrieve('0123456789abcdef01234567'),
    (error) => error instanceof TwelvelabsApi.NotFoundError && bodyOf(error).code === 'resource_not_exist',
  );
  await assert.rejects(
    tasks.list({ pageLimit: 51 }),
    (error) => error instanceof TwelvelabsApi.BadRequestError && bodyOf(error).code === 'parameter_invalid',
  );
  const stranger = new TwelvelabsApiClient({ apiKey: 'wrong', baseUrl });
  await assert.rejects(
    stranger.embed.v2.tasks.list(),
    (error) =>
      error instanceof TwelvelabsApiError && error.statusCode === 401 && bodyOf(error).code === 'api_key_invalid',
  );
  t.media = new Error('the prober fell over');
  await assert.rejects(
    tasks.create(
      {
        inputType: 'video',
        modelName: 'marengo3.0',
        video: { mediaSource: { base64String: MP4_HEAD.toString('base64') } },
      },
      once,
    ),
    (error) => error instanceof TwelvelabsApi.InternalServerError && bodyOf(error).code === 'internal_server_error',
  );
});

test('a body over the limit is refused with 413, in words', async () => {
  const base64String = 'A'.repeat(53 * 1024 ** 2);
  await assert.rejects(
    tasks.create({ inputType: 'video', modelName: 'marengo3.0', video: { mediaSource: { base64String } } }, once),
    (error) => error instanceof TwelvelabsApiError && error.statusCode === 413,
  );
});
