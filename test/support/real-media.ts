import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Folder of the real media, from REELVEC_TEST_MEDIA. It may be missing, see {@link NO_REAL_MEDIA}. */
export const REAL_MEDIA = resolve(
  process.env['REELVEC_TEST_MEDIA'] ?? join(import.meta.dirname, '../../../shared/media'),
);

/** Reason to skip the tests on real media, where their folder is missing. */
export const NO_REAL_MEDIA = existsSync(REAL_MEDIA)
  ? undefined
  : 'no real media: set REELVEC_TEST_MEDIA to their folder';
