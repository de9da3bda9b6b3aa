import { join } from 'node:path';

/** Folder of composed films and decoded pictures: `shots` in `REELVEC_BENCH_OUT` (default `bench/out`). */
export const OUT_DIR = join(process.env['REELVEC_BENCH_OUT'] ?? join(import.meta.dirname, '../out'), 'shots');
