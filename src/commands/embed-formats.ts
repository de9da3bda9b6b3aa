/** What a result can be written as. */
export const FORMATS = ['json', 'ndjson', 'arrow', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];
