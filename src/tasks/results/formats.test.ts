import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { parquetMetadata } from 'hyparquet';
import { MemoryBlobStore } from '../../../test/support/memory-blobs.ts';
import { RESULT_READERS } from '../../../test/support/result-readers.ts';
import { type ResultFormat, resultContent } from './formats.ts';
import { type EmbeddingRow, encodeBlock, writeResult } from './results.ts';

const facts = { task: 'task', bundle: 'signal@1' };
const options = ['visual', 'audio'] as const;

function row(segment: number, option: (typeof options)[number]): EmbeddingRow {
  const embedding = new Float32Array(512);
  embedding[segment] = 0.6;
  embedding[100 + options.indexOf(option)] = -0.8;
  return { segment, startSec: segment * 4, endSec: segment * 4 + 4, option, scope: 'clip', embedding };
}

const rows = [0, 1].flatMap((segment) => options.map((option) => row(segment, option)));

async function open() {
  const blobs = new MemoryBlobStore();
  await blobs.write('block', encodeBlock(rows, { ...facts, segments: 2 }));
  const range = { startSec: 0, endSec: 8 };
  await writeResult({ blobs, blocks: ['block'], key: 'result', request: { scopes: ['clip', 'asset'] }, range, facts });
  const content = (query: Parameters<typeof resultContent>[1]) =>
    buffer(resultContent({ blobs, key: 'result', facts, dimension: 512 }, query));
  return { blobs, content };
}

for (const format of Object.keys(RESULT_READERS) as ResultFormat[]) {
  test(`${format} has all rows and vectors, or the filtered ones`, async () => {
    const { content } = await open();
    const read = async (query: Omit<Parameters<typeof resultContent>[1], 'format'>) =>
      RESULT_READERS[format](await content({ format, ...query }));
    const all = await read({ vectors: true });
    assert.equal(all.length, 6);
    for (const [i, { embedding, ...facts }] of rows.entries()) {
      const { embedding: found, ...item } = all[i]!;
      assert.deepEqual(Float32Array.from(found!), embedding);
      const expected = {
        embedding_option: facts.option,
        embedding_scope: 'clip',
        start_sec: facts.startSec,
        end_sec: facts.endSec,
      };
      assert.partialDeepStrictEqual(item, expected);
    }
    const audio = await read({ vectors: true, filter: { options: ['audio'] } });
    assert.deepEqual(
      audio.map((item) => [item['embedding_option'], item['start_sec']]),
      [
        ['audio', 0],
        ['audio', 4],
        ['audio', 0],
      ],
    );
    assert.deepEqual(Float32Array.from(audio[1]!.embedding!), rows[3]!.embedding);
    const asset = await read({ vectors: true, filter: { scopes: ['asset'] } });
    assert.deepEqual(
      asset.map((item) => item['embedding_scope']),
      ['asset', 'asset'],
    );
    const bare = await read({ vectors: false });
    assert.equal(bare.length, 6);
    assert.ok(bare.every((item) => !('embedding' in item) && typeof item['end_sec'] === 'number'));
    assert.deepEqual(await read({ vectors: false, filter: { options: ['transcription'] } }).catch(() => []), []);
  });
}

test('the whole Arrow file is sent as stored; a filtered one has the same metadata', async () => {
  const { blobs, content } = await open();
  assert.deepEqual(await content({ format: 'arrow', vectors: true }), await buffer(blobs.read('result')));
  const part = tableFromIPC(await content({ format: 'arrow', vectors: true, filter: { scopes: ['clip'] } }));
  assert.deepEqual(
    ['task', 'bundle', 'format'].map((name) => part.schema.metadata.get(`reelvec.${name}`)),
    ['task', 'signal@1', '1'],
  );
  const bare = tableFromIPC(await content({ format: 'arrow', vectors: false }));
  assert.equal(bare.schema.metadata.get('reelvec.task'), 'task');
});

test('a Parquet file names its task and bundle', async () => {
  const { content } = await open();
  const bytes = await content({ format: 'parquet', vectors: true });
  const { key_value_metadata: found, created_by } = parquetMetadata(Uint8Array.from(bytes).buffer);
  assert.equal(created_by, 'reelvec');
  assert.deepEqual(found, [
    { key: 'reelvec.task', value: 'task' },
    { key: 'reelvec.bundle', value: 'signal@1' },
  ]);
});
