import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { FolderBlobStore } from '../../blobs/folder/store.ts';
import { BlobNotFound } from '../../blobs/store.ts';
import type { Option } from '../../domain/option.ts';
import type { Scope } from '../../domain/scope.ts';
import { DIMENSION } from '../../encode/encoder.ts';
import type { TaskRequest } from '../request.ts';
import { BATCH_ROWS } from './arrow.ts';
import { RESULT_TYPES, type ResultFormat, resultContent } from './formats.ts';
import { embeddingsJson, embeddingsNdjson } from './json.ts';
import { type EmbeddingRow, encodeBlock, readResult, writeResult } from './results.ts';

const root = await mkdtemp(join(tmpdir(), 'reelvec-results-'));
after(() => rm(root, { recursive: true, force: true }));
const blobs = new FolderBlobStore(root);
const facts = { task: '0123456789abcdef01234567', bundle: 'signal 1' };

/** Unit vector that depends on the seed only. */
function vector(seed: number): Float32Array {
  const raw = Float64Array.from({ length: DIMENSION }, (_, i) => Math.sin(seed * 7919 + i * i));
  const norm = Math.hypot(...raw);
  return Float32Array.from(raw, (x) => x / norm);
}

function clips(segments: number, { from = 0, options = ['visual', 'audio'] as Option[] } = {}): EmbeddingRow[] {
  return Array.from({ length: segments }).flatMap((_, segment) =>
    options.map((option, o) => ({
      segment,
      startSec: (from + segment) * 4,
      endSec: (from + segment) * 4 + (segment % 2 === 0 ? 4 : 3.5),
      option,
      scope: 'clip' as const,
      embedding: vector((from + segment) * 3 + o),
    })),
  );
}

type Wanted = Pick<TaskRequest, 'scopes' | 'fused' | 'dimension'> & { endSec: number };

async function join2(
  key: string,
  parts: EmbeddingRow[][],
  { scopes = ['clip', 'asset'], endSec = 100, ...wanted }: Partial<Wanted> = {},
) {
  const blocks = parts.map((_, i) => `tasks/t/${key}-${i}`);
  for (const [i, rows] of parts.entries()) {
    const segments = Math.max(-1, ...rows.map((row) => row.segment)) + 1;
    await blobs.write(blocks[i]!, encodeBlock(rows, { ...facts, segments }));
  }
  return writeResult({
    blobs,
    blocks,
    key: `tasks/t/${key}`,
    request: { scopes, ...wanted },
    range: { startSec: 0, endSec },
    facts,
  });
}

const all = async (key: string, filter = {}) =>
  (await Array.fromAsync(readResult(blobs, `tasks/t/${key}`, filter))).flat();

test('any Arrow reader can read the rows of a block', async () => {
  const rows = clips(300);
  await blobs.write('tasks/t/block', encodeBlock(rows, { ...facts, segments: 300 }));
  assert.deepEqual(await all('block'), rows);
  const table = tableFromIPC(await readFile(join(root, 'tasks/t/block')));
  assert.equal(table.numRows, 600);
  assert.equal(table.schema.metadata.get('reelvec.bundle'), 'signal 1');
  assert.equal(table.schema.metadata.get('reelvec.task'), facts.task);
  assert.equal(table.schema.metadata.get('reelvec.format'), '1');
  const row = table.get(599)?.toJSON();
  assert.equal(row?.['embedding_option'], 'audio');
  assert.deepEqual(Float32Array.from(row?.['embedding']), rows[599]!.embedding);
});

test('equal rows give equal bytes, in a block and however a result is divided into blocks', async () => {
  const rows = clips(200);
  assert.deepEqual(
    encodeBlock(rows, { ...facts, segments: 200 }),
    encodeBlock(clips(200), { ...facts, segments: 200 }),
  );
  await join2('one', [rows]);
  const second = rows.filter((row) => row.segment >= 77).map((row) => ({ ...row, segment: row.segment - 77 }));
  const result = await join2('two', [rows.filter((row) => row.segment < 77), second]);
  assert.deepEqual(result, { rows: 402, segments: 200, options: ['visual', 'audio'] });
  assert.deepEqual(await readFile(join(root, 'tasks/t/one')), await readFile(join(root, 'tasks/t/two')));
});

test('segments are numbered through all blocks, including those without a vector', async () => {
  const speechOnly = (rows: EmbeddingRow[]) => rows.filter((row) => row.segment === 1);
  const block = encodeBlock(speechOnly(clips(5, { options: ['transcription'] })), { ...facts, segments: 5 });
  await blobs.write('tasks/t/gap-0', block);
  await blobs.write('tasks/t/gap-1', encodeBlock([], { ...facts, segments: 3 }));
  await blobs.write('tasks/t/gap-2', block);
  const result = await writeResult({
    blobs,
    blocks: ['tasks/t/gap-0', 'tasks/t/gap-1', 'tasks/t/gap-2'],
    key: 'tasks/t/gap',
    request: { scopes: ['clip'] },
    range: { startSec: 0, endSec: 52 },
    facts,
  });
  assert.deepEqual(result, { rows: 2, segments: 13, options: ['transcription'] });
  assert.deepEqual(
    (await all('gap')).map((row) => row.segment),
    [1, 9],
  );
});

test('an asset vector is the mean of the clips weighted with their durations, of length 1', async () => {
  const rows = clips(31);
  await join2('mean', [rows], { endSec: 124 });
  const assets = await all('mean', { scopes: ['asset'] });
  assert.deepEqual(
    assets.map(({ embedding: _, ...row }) => row),
    ['visual', 'audio'].map((option) => ({ segment: -1, startSec: 0, endSec: 124, option, scope: 'asset' })),
  );
  for (const asset of assets) {
    const own = rows.filter((row) => row.option === asset.option);
    const mean = Array.from({ length: DIMENSION }, (_, i) =>
      own.reduce((sum, row) => sum + row.embedding[i]! * (row.endSec - row.startSec), 0),
    );
    const norm = Math.hypot(...mean);
    for (let i = 0; i < DIMENSION; i++) assert.ok(Math.abs(asset.embedding[i]! - mean[i]! / norm) < 1e-7);
    assert.ok(Math.abs(Math.hypot(...asset.embedding) - 1) < 1e-6);
  }
});

test('vectors that cancel each other still give an asset vector of length 1', async () => {
  const [row] = clips(1, { options: ['visual'] }) as [EmbeddingRow];
  const opposite = { ...row, segment: 1, embedding: row.embedding.map((x) => -x) };
  await join2('cancel', [[row, opposite]]);
  const [asset] = await all('cancel', { scopes: ['asset'] });
  assert.deepEqual(asset?.embedding, row.embedding);
});

test('a fused vector is the mean of the vectors of its segment, beside or instead of them, however rows are divided into blocks and batches', async () => {
  const rows = clips(301);
  // Speech in one segment only: the mean covers the existing vectors.
  rows.splice(2, 0, { ...rows[1]!, option: 'transcription', embedding: vector(99) });
  await join2('fused-beside', [rows.slice(0, 203), clips(3)], { fused: 'beside' });
  await join2('fused-instead', [rows.slice(0, 203), clips(3)], { fused: 'instead' });
  await join2('separate', [rows.slice(0, 203), clips(3)]);
  const beside = await all('fused-beside');
  const fused = beside.filter((row) => row.option === 'fused');
  assert.deepEqual(
    beside.filter((row) => row.option !== 'fused'),
    await all('separate'),
  );
  assert.deepEqual(await all('fused-instead'), fused);
  assert.equal(fused.length, 101 + 3 + 1, 'one for each segment and one for the asset');
  for (const row of fused) {
    const own = beside.filter((other) => other.option !== 'fused' && other.segment === row.segment);
    assert.equal(own.length, row.segment === 0 ? 3 : own.length);
    const sum = Array.from({ length: DIMENSION }, (_, i) =>
      own.reduce((total, { embedding }) => total + embedding[i]!, 0),
    );
    const norm = Math.hypot(...sum);
    for (let i = 0; i < DIMENSION; i++) assert.ok(Math.abs(row.embedding[i]! - sum[i]! / norm) < 1e-7);
    assert.deepEqual([row.startSec, row.endSec, row.scope], [own[0]!.startSec, own[0]!.endSec, own[0]!.scope]);
  }
});

test('shorter vectors are prefixes of the long ones, normalised, for clips, assets and fused ones', async () => {
  const rows = clips(5);
  await join2('long', [rows], { fused: 'beside' });
  await join2('short', [rows], { fused: 'beside', dimension: 128 });
  const long = await all('long');
  const short = await all('short');
  assert.deepEqual(
    short.map(({ embedding: _, ...row }) => row),
    long.map(({ embedding: _, ...row }) => row),
  );
  for (const [i, { embedding }] of short.entries()) {
    assert.equal(embedding.length, 128);
    assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-6);
    const beginning = long[i]!.embedding.subarray(0, 128);
    const norm = Math.hypot(...beginning);
    for (let j = 0; j < 128; j++) assert.ok(Math.abs(embedding[j]! - beginning[j]! / norm) < 1e-7);
  }
});

test('only the requested scopes are kept, and a filter narrows further', async () => {
  const rows = clips(10);
  await join2('clips-only', [rows], { scopes: ['clip'] });
  assert.deepEqual(await all('clips-only'), rows);
  await join2('assets-only', [rows], { scopes: ['asset'] });
  assert.equal((await all('assets-only')).length, 2);
  await join2('both', [rows]);
  assert.deepEqual(
    await all('both', { options: ['audio'], scopes: ['clip'] }),
    rows.filter((row) => row.option === 'audio'),
  );
});

test('a result without any row is a valid file', async () => {
  assert.deepEqual(await join2('empty', [[], []]), { rows: 0, segments: 0, options: [] });
  assert.deepEqual(await all('empty'), []);
  assert.equal(tableFromIPC(await readFile(join(root, 'tasks/t/empty'))).numRows, 0);
});

test('a missing or truncated blob rejects, and one that is read in part is closed', async () => {
  await assert.rejects(all('no-such'), BlobNotFound);
  await join2('whole', [clips(600)]);
  const bytes = await readFile(join(root, 'tasks/t/whole'));
  for (const length of [1000, 300_000, bytes.length >> 1]) {
    await writeFile(join(root, 'tasks/t/cut'), bytes.subarray(0, length));
    await assert.rejects(all('cut'));
  }
  for await (const rows of readResult(blobs, 'tasks/t/whole')) {
    assert.equal(rows.length, BATCH_ROWS);
    break;
  }
  await assert.rejects(
    join2('aborted', [clips(5)]).then(() =>
      writeResult({
        blobs,
        blocks: ['tasks/t/aborted-0'],
        key: 'tasks/t/aborted',
        request: { scopes: ['clip'] },
        range: { startSec: 0, endSec: 1 },
        facts,
        signal: AbortSignal.abort(new Error('cancelled')),
      }),
    ),
    /cancelled/,
  );
});

test('no file stays open after a full, partial or failed read, in any format', async () => {
  const opened: Readable[] = [];
  const watched = new (class extends FolderBlobStore {
    override read(...args: Parameters<FolderBlobStore['read']>): Readable {
      const stream = super.read(...args);
      opened.push(stream);
      return stream;
    }
  })(root);
  await join2('watched', [clips(150)]);
  const bytes = await readFile(join(root, 'tasks/t/watched'));
  await writeFile(join(root, 'tasks/t/watched-cut'), bytes.subarray(0, bytes.length >> 1));
  const content = (key: string, format: ResultFormat, scopes?: Scope[]) =>
    resultContent(
      { blobs: watched, key, facts, dimension: DIMENSION },
      { format, vectors: true, ...(scopes && { filter: { scopes } }) },
    );
  for (const format of Object.keys(RESULT_TYPES) as ResultFormat[]) {
    for (const scopes of [undefined, ['clip' as const]]) {
      await buffer(content('tasks/t/watched', format, scopes));
      for await (const _ of content('tasks/t/watched', format, scopes)) break;
      await buffer(content('tasks/t/watched-cut', format, scopes)).catch(() => {});
      await assert.rejects(buffer(content('tasks/t/none', format, scopes)), BlobNotFound);
    }
  }
  await writeResult({
    blobs: watched,
    blocks: ['tasks/t/watched', 'tasks/t/watched'],
    key: 'tasks/t/again',
    request: { scopes: ['clip'] },
    range: { startSec: 0, endSec: 1 },
    facts,
  });
  assert.equal(opened.length, 4 * 2 * 4 + 2);
  assert.equal(opened.filter((stream) => !stream.destroyed).length, 0);
});

test('a vector of another length is refused', () => {
  const row = { ...clips(1)[0]!, embedding: new Float32Array(256) };
  assert.throws(() => encodeBlock([row], { ...facts, segments: 1 }), /512 values: got 256/);
});

test('JSON text has the same rows, in pieces of bounded size', async () => {
  const rows = clips(40);
  await join2('json', [rows]);
  const pieces = await Array.fromAsync(embeddingsJson(readResult(blobs, 'tasks/t/json')));
  assert.ok(pieces.length > 2 && pieces.every((piece) => piece.length <= 65_536));
  const items = JSON.parse(Buffer.concat(pieces).toString());
  assert.equal(items.length, 82);
  assert.deepEqual(Object.keys(items[0]), ['embedding', 'embedding_option', 'embedding_scope', 'start_sec', 'end_sec']);
  for (const [i, row] of rows.entries()) {
    assert.deepEqual(Float32Array.from(items[i].embedding), row.embedding);
    assert.deepEqual(
      [items[i].embedding_option, items[i].embedding_scope, items[i].start_sec, items[i].end_sec],
      [row.option, 'clip', row.startSec, row.endSec],
    );
  }
  assert.equal(
    (await buffer(embeddingsJson(readResult(blobs, 'tasks/t/json', { options: ['transcription'] })))).toString(),
    '[]',
  );
  const lines = Buffer.concat(await Array.fromAsync(embeddingsNdjson(readResult(blobs, 'tasks/t/json'))));
  assert.deepEqual(
    lines
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    items,
  );
});
