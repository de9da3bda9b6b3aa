import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = resolve(process.env['REELVEC_TEST_MEDIA'] ?? join(import.meta.dirname, '../../../shared/media'));

/** Folder of the real media, where there is one. Set REELVEC_TEST_MEDIA to name it. */
export const REAL_MEDIA = existsSync(folder) ? folder : undefined;
