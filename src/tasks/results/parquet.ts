import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { EmbeddingRow } from './arrow.ts';

/** Rows of a row group: a megabyte of vectors. Writing one keeps the thread for the better part of a tenth of a second. */
const GROUP_ROWS = 512;

const FLAT = [
  { name: 'segment', type: 'INT32', repetition_type: 'REQUIRED' },
  { name: 'start_sec', type: 'DOUBLE', repetition_type: 'REQUIRED' },
  { name: 'end_sec', type: 'DOUBLE', repetition_type: 'REQUIRED' },
  { name: 'embedding_option', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  { name: 'embedding_scope', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
] as const;
/** A list in three levels, as the format wants it. */
const VECTOR = [
  { name: 'embedding', converted_type: 'LIST', repetition_type: 'REQUIRED', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
] as const;

type ListRow = Omit<EmbeddingRow, 'embedding'> & { readonly embedding: readonly number[] };

/**
 * Rows as an Apache Parquet file with the columns of the Arrow one, a row group in memory at a time.
 * @param options.facts what the file says of itself
 * @param options.vectors whether the vectors are in it
 */
export async function* parquetBytes(
  batches: AsyncIterable<readonly EmbeddingRow[]>,
  { facts, vectors }: { facts: Readonly<Record<string, string>>; vectors: boolean },
): AsyncGenerator<Uint8Array> {
  const writer = new ByteWriter();
  const root = { name: 'root', num_children: FLAT.length + (vectors ? 1 : 0) };
  const file = new ParquetWriter({
    writer,
    schema: [root, ...FLAT, ...(vectors ? VECTOR : [])],
    codec: 'UNCOMPRESSED', // numbers of vectors hardly shrink
    kvMetadata: Object.entries(facts).map(([name, value]) => ({ key: `reelvec.${name}`, value })),
    createdBy: 'reelvec',
  });
  /** The writer counts on from where it is; what it has is taken out of its hands. */
  const take = () => {
    const bytes = Uint8Array.from(writer.getBytes());
    writer.index = 0;
    return bytes;
  };
  let rows: ListRow[] = [];
  for await (const batch of batches) {
    // Vectors are views into the batch, which they outlive here; the writer knows lists as arrays only.
    for (const row of batch) rows.push({ ...row, embedding: vectors ? Array.from(row.embedding) : [] });
    if (rows.length < GROUP_ROWS) continue;
    writeGroup(file, rows, vectors);
    rows = [];
    yield take();
  }
  if (rows.length > 0) writeGroup(file, rows, vectors);
  file.finish();
  yield take();
}

function writeGroup(file: ParquetWriter, rows: readonly ListRow[], vectors: boolean): void {
  const columnData = [
    { name: 'segment', data: rows.map((row) => row.segment) },
    { name: 'start_sec', data: rows.map((row) => row.startSec) },
    { name: 'end_sec', data: rows.map((row) => row.endSec) },
    { name: 'embedding_option', data: rows.map((row) => row.option) },
    { name: 'embedding_scope', data: rows.map((row) => row.scope) },
    ...(vectors
      ? [{ name: 'embedding', data: rows.map((row) => row.embedding), encoding: 'PLAIN' as const, statistics: false }]
      : []),
  ];
  file.write({ columnData, rowGroupSize: rows.length });
}
