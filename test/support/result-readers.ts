import { tableFromIPC } from 'apache-arrow';
import { parquetReadObjects } from 'hyparquet';
import type { ResultFormat } from '../../src/tasks/results/formats.ts';

export type ResultItem = Record<string, unknown> & { readonly embedding?: ArrayLike<number> };

/** Readers of the rows of a result, by independent libraries. JSON is an array of rows, without the task around it. */
export const RESULT_READERS: Readonly<Record<ResultFormat, (bytes: Buffer) => Promise<ResultItem[]>>> = {
  json: async (bytes) => JSON.parse(bytes.toString()),
  ndjson: async (bytes) =>
    bytes
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  arrow: async (bytes) =>
    tableFromIPC(bytes)
      .toArray()
      .map((row) => row.toJSON()),
  parquet: (bytes) => parquetReadObjects({ file: Uint8Array.from(bytes).buffer }) as Promise<ResultItem[]>,
};
