import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolderSync } from '../make-folder.ts';

/** File in the data folder with the bundle that `reelvec models use` chose: its name, or the path of its file. */
const FILE = 'bundle';

/** Bundle chosen for a data folder. Undefined without a choice. @throws if the file exists and cannot be read */
export function readChosenBundle(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, FILE), 'utf8').trim() || undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENOTDIR: the data folder is a file, which the server reports when it opens the folder.
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Stores the choice, for all later starts with this data folder. Creates the folder if missing. */
export function writeChosenBundle(dataDir: string, bundle: string): void {
  makeFolderSync(dataDir);
  const path = join(dataDir, FILE);
  // Renamed, so that a start at the same moment reads the old choice or the new one.
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, `${bundle}\n`);
  renameSync(draft, path);
}
