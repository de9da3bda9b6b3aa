import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parquetMetadata } from 'hyparquet';
import { CONFIGURED_KEY, openTestApp, type TestApp, VIDEO } from '../../../test/support/app.ts';
import { RESULT_READERS, type ResultItem } from '../../../test/support/result-readers.ts';
import { type EmbeddingRow, encodeBlock, writeResult } from '../../tasks/results/results.ts';
import { resultKey } from '../../tasks/work.ts';

const headers = { 'x-api-key': CONFIGURED_KEY };
const TASKS = '/v1.3/embed-v2/tasks';
const SEGMENTS = 20;
/** With two vectors each, more than one row group of Parquet. */
const SEGMENTS_OF_TWO_ROW_GROUPS = 260;

async function open(): Promise<{ t: TestApp; id: string; url: string } & AsyncDisposable> {
  const t = await openTestApp();
  const video = { media_source: { url: 'https://media.test/a.mp4' } };
  const payload = { input_type: 'video', model_name: 'marengo3.0', video };
  const id = (await t.app.inject({ method: 'POST', url: TASKS, headers, payload })).json()._id;
  return { t, id, url: `${TASKS}/${id}`, [Symbol.asyncDispose]: () => t[Symbol.asyncDispose]() };
}

/** Completes the task with a visual and an audio vector per segment, and both for the asset. */
async function finish({ t, id }: { t: TestApp; id: string }, count = SEGMENTS): Promise<void> {
  const rows = Array.from({ length: count }).flatMap((_, segment) =>
    (['visual', 'audio'] as const).map((option, o): EmbeddingRow => {
      const raw = Array.from({ length: 512 }, (_, i) => Math.sin(segment * 31 + o * 7 + i * i));
      const norm = Math.hypot(...raw);
      const embedding = Float32Array.from(raw, (value) => value / norm);
      return { segment, startSec: segment * 2, endSec: segment * 2 + 2, option, scope: 'clip', embedding };
    }),
  );
  const facts = { task: id, bundle: 'signal@1' };
  const range = { startSec: 0, endSec: count * 2 };
  await t.blobs.write(`tasks/${id}/block`, encodeBlock(rows, { ...facts, segments: count }));
  await writeResult({
    blobs: t.blobs,
    blocks: [`tasks/${id}/block`],
    key: resultKey(id),
    request: { scopes: ['clip', 'asset'] },
    range,
    facts,
  });
  await t.tasks.setProbed(id, VIDEO, range);
  await t.tasks.setReady(id, []);
}

/** Expected content of every format: the rows of the JSON response. */
const asRows = (items: Iterable<Record<string, unknown>>) =>
  Array.from(items, ({ embedding, embedding_option, embedding_scope, start_sec, end_sec }) => ({
    embedding: embedding && Array.from(embedding as Iterable<number>, Math.fround),
    embedding_option,
    embedding_scope,
    start_sec,
    end_sec,
  }));

const readers = {
  ...RESULT_READERS,
  json: async (bytes: Buffer): Promise<ResultItem[]> => JSON.parse(bytes.toString()).data,
};
const types: Record<string, string> = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson',
  arrow: 'application/vnd.apache.arrow.file',
  parquet: 'application/vnd.apache.parquet',
};

test('every format holds the same rows, chosen by ?format= or Accept, filtered or not, with vectors or without', async () => {
  await using task = await open();
  await finish(task);
  const { app } = task.t;
  const all = asRows(await readers.json((await app.inject({ url: task.url, headers })).rawPayload));
  assert.equal(all.length, SEGMENTS * 2 + 2);
  const filters: [string, (row: (typeof all)[number]) => boolean][] = [
    ['', () => true],
    ['embedding_option=audio', (row) => row.embedding_option === 'audio'],
    ['embedding_option=visual,audio&embedding_scope=asset', (row) => row.embedding_scope === 'asset'],
    [
      'embedding_option=visual&embedding_option=fused&embedding_scope=clip',
      (row) => row.embedding_option === 'visual' && row.embedding_scope === 'clip',
    ],
    ['embedding_option=transcription', () => false],
  ];
  for (const [format, read] of Object.entries(readers)) {
    for (const [filter, keeps] of filters) {
      for (const vectors of [true, false]) {
        const query = [filter, `format=${format}`, `embeddings=${vectors}`].filter(Boolean).join('&');
        const response = await app.inject({ url: `${task.url}?${query}`, headers });
        assert.equal(response.statusCode, 200, `${query}\n${response.body.slice(0, 300)}`);
        assert.equal(response.headers['content-type'], types[format]);
        const wanted = all.filter(keeps).map((row) => (vectors ? row : { ...row, embedding: undefined }));
        const got = response.rawPayload.length === 0 ? [] : asRows((await read(response.rawPayload)).filter(Boolean));
        assert.equal(JSON.stringify(got) === JSON.stringify(wanted), true, query);
      }
    }
    const accept = types[format]!.split(';')[0]!;
    const accepted = await app.inject({ url: task.url, headers: { ...headers, accept } });
    const asked = await app.inject({ url: `${task.url}?format=${format}`, headers });
    assert.ok(accepted.rawPayload.equals(asked.rawPayload), `Accept: ${accept}`);
    assert.equal(accepted.headers['content-type'], types[format]);
    assert.match(String(accepted.headers.vary), /accept/i);
  }
});

test('Parquet comes in row groups and says what made it', async () => {
  await using task = await open();
  await finish(task, SEGMENTS_OF_TWO_ROW_GROUPS);
  const { rawPayload, headers: got } = await task.t.app.inject({ url: `${task.url}?format=parquet`, headers });
  const metadata = parquetMetadata(Uint8Array.from(rawPayload).buffer);
  assert.equal(metadata.row_groups.length, 2);
  assert.equal(Number(metadata.num_rows), SEGMENTS_OF_TWO_ROW_GROUPS * 2 + 2);
  assert.deepEqual(metadata.key_value_metadata, [
    { key: 'reelvec.task', value: task.id },
    { key: 'reelvec.bundle', value: 'signal@1' },
  ]);
  assert.equal(got['content-disposition'], `attachment; filename="${task.id}.parquet"`);
});

test('each format has an ETag of its own', async () => {
  await using task = await open();
  await finish(task);
  const tag = async (accept: string) =>
    (await task.t.app.inject({ method: 'HEAD', url: task.url, headers: { ...headers, accept } })).headers
      .etag as string;
  const json = await tag('application/json');
  const arrow = await tag(types['arrow']!);
  assert.notEqual(json, arrow);
  const again = { ...headers, accept: types['arrow']!, 'if-none-match': arrow };
  assert.equal((await task.t.app.inject({ url: task.url, headers: again })).statusCode, 304);
});

test('a task without a result is told as JSON, and as 409 to who wants another format', async () => {
  await using task = await open();
  const { app, tasks } = task.t;
  assert.equal((await app.inject({ url: `${task.url}?embeddings=false`, headers })).json().status, 'processing');
  const early = await app.inject({ url: `${task.url}?format=arrow`, headers });
  assert.equal(early.statusCode, 409);
  assert.equal(
    early.json().message,
    `There is no result as arrow: the task ${task.id} is still being processed. Ask again later, or wait for it with ?wait=60.`,
  );
  assert.deepEqual([early.json().code, early.json().details], ['conflict', { status: 'processing' }]);
  await tasks.setFailed(task.id, { code: 'video_file_broken', message: 'The media is broken.' });
  const failed = await app.inject({ url: `${task.url}?format=parquet`, headers });
  assert.equal(failed.statusCode, 409);
  assert.equal(
    failed.json().message,
    `There is no result as parquet: the task ${task.id} has failed: The media is broken.`,
  );
  assert.deepEqual(failed.json().details, { status: 'failed' });
});

test('what cannot be asked for is refused, naming the parameter', async () => {
  await using task = await open();
  for (const [query, field] of [
    ['format=csv', 'format'],
    ['embedding_option=colour', 'embedding_option.0'],
    ['embedding_scope=page', 'embedding_scope.0'],
    ['embeddings=no', 'embeddings'],
  ] as const) {
    const response = await task.t.app.inject({ url: `${task.url}?${query}`, headers });
    assert.equal(response.statusCode, 400, query);
    assert.equal(response.json().details.field, field);
  }
});
