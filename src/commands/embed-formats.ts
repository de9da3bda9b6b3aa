/** Output formats of `reelvec embed`. */
export const FORMATS = ['json', 'ndjson', 'arrow', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];
