import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Real recordings for tests and measurements; see its MANIFEST.md. */
export const MEDIA_DIR = process.env['REELVEC_TEST_MEDIA'] ?? join(import.meta.dirname, '../../shared/media');

/** Files in a folder of the test media whose names match, sorted, as full paths. */
export function mediaFiles(folder: string, name: RegExp): string[] {
  return readdirSync(join(MEDIA_DIR, folder))
    .filter((file) => name.test(file))
    .sort()
    .map((file) => join(MEDIA_DIR, folder, file));
}
