import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { EmbeddingRow } from './arrow.ts';

/** Rows per row group: a megabyte of vectors. Writing a group blocks the thread for almost a tenth of a second. */
const ROW_GROUP_ROWS = 512;

const FLAT = [
  { name: 'segment', type: 'INT32', repetition_type: 'REQUIRED' },
  { name: 'start_sec', type: 'DOUBLE', repetition_type: 'REQUIRED' },
  { name: 'end_sec', type: 'DOUBLE', repetition_type: 'REQUIRED' },
  { name: 'embedding_option', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  { name: 'embedding_scope', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
] as const;
/** Three-level list structure, as the format specifies. */
const VECTOR = [
  { name: 'embedding', converted_type: 'LIST', repetition_type: 'REQUIRED', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
] as const;

type ListRow = Omit<EmbeddingRow, 'embedding'> & { readonly embedding: readonly number[] };

/**
 * Writes rows as an Apache Parquet file with the columns of the Arrow format. Memory is bounded by a row group.
 * @param options.facts metadata of the file
 * @param options.vectors false omits the vectors
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
    codec: 'UNCOMPRESSED', // vectors hardly compress
    kvMetadata: Object.entries(facts).map(([name, value]) => ({ key: `reelvec.${name}`, value })),
    createdBy: 'reelvec',
  });
  /** Takes the written bytes out of the writer, which continues its offsets. */
  const take = () => {
    const bytes = Uint8Array.from(writer.getBytes());
    writer.index = 0;
    return bytes;
  };
  let rows: ListRow[] = [];
  for await (const batch of batches) {
    // Copies the vectors, which are views into the batch, because they outlive it here; the writer accepts lists as
    // arrays only.
    for (const row of batch) rows.push({ ...row, embedding: vectors ? Array.from(row.embedding) : [] });
    if (rows.length < ROW_GROUP_ROWS) continue;
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
