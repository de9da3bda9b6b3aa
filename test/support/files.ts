import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of all files below a folder. A folder that is removed meanwhile counts as empty. */
export function filesIn(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return entry.isFile() ? [path] : [];
  });
}

/** Paths of the blobs in a data folder, without the claim of the database. */
export function blobsIn(dataDir: string): string[] {
  const blobs = join(dataDir, 'blobs');
  return filesIn(blobs).filter((path) => !path.startsWith(join(blobs, 'database')));
}

/** Entries of a folder; empty if the folder is missing. */
export function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
