import type { BlobStore } from '../../blobs/store.ts';
import { ArrowRows } from './arrow.ts';
import { embeddingsJson, embeddingsNdjson } from './json.ts';
import { type EmbeddingRow, type ResultFacts, type RowFilter, readResult } from './results.ts';

/** Result formats and their media types. */
export const RESULT_TYPES = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  arrow: 'application/vnd.apache.arrow.file',
  parquet: 'application/vnd.apache.parquet',
} as const;
export type ResultFormat = keyof typeof RESULT_TYPES;

export interface ResultQuery {
  readonly format: ResultFormat;
  /** Restricts the rows; default all. */
  readonly filter?: RowFilter;
  /** False omits the vectors and returns the segments only. */
  readonly vectors: boolean;
}

/**
 * Streams a result in a format, with bounded memory. `json` is an array.
 * @param result.dimension length of the vectors
 */
export function resultContent(
  result: { blobs: BlobStore; key: string; facts: ResultFacts; dimension: number },
  { format, filter = {}, vectors }: ResultQuery,
): AsyncGenerator<Uint8Array> {
  const { blobs, key, facts, dimension } = result;
  const isAll = vectors && filter.options === undefined && filter.scopes === undefined;
  const rows = readResult(blobs, key, filter);
  switch (format) {
    case 'json':
      return embeddingsJson(rows, { vectors });
    case 'ndjson':
      return embeddingsNdjson(rows, { vectors });
    case 'arrow':
      return isAll ? asStored(blobs, key) : arrowBytes(rows, { ...facts }, vectors ? dimension : 0);
    case 'parquet':
      return parquet(rows, { facts: { ...facts }, vectors });
  }
}

async function* asStored(blobs: BlobStore, key: string): AsyncGenerator<Uint8Array> {
  yield* blobs.read(key) as AsyncIterable<Uint8Array>;
}

async function* arrowBytes(
  batches: AsyncIterable<readonly EmbeddingRow[]>,
  facts: Readonly<Record<string, string>>,
  dimension: number,
): AsyncGenerator<Uint8Array> {
  const file = new ArrowRows(facts, dimension);
  for await (const rows of batches) {
    for (const row of rows) {
      const part = file.add(dimension > 0 ? row : { ...row, embedding: new Float32Array() });
      if (part) yield part;
    }
  }
  yield file.end();
}

/** Loads the Parquet writer on first use. */
async function* parquet(
  batches: AsyncIterable<readonly EmbeddingRow[]>,
  options: { facts: Readonly<Record<string, string>>; vectors: boolean },
): AsyncGenerator<Uint8Array> {
  const { parquetBytes } = await import('./parquet.ts');
  yield* parquetBytes(batches, options);
}
