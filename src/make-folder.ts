import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Creates a folder and its missing parents, like `mkdir` with `recursive`. That never returns on a file system that answers
 * ENOENT although the parent exists, such as /proc.
 * @throws the operating system's error
 */
export async function makeFolder(path: string): Promise<void> {
  const folder = resolve(path);
  if (await isFolder(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) await makeFolder(parent);
  try {
    await mkdir(folder);
  } catch (error) {
    // Another process may have created it in between.
    if (!(await isFolder(folder))) throw error;
  }
}

/** Synchronous {@link makeFolder}. @param mode permissions of all folders that it creates, less the umask */
export function makeFolderSync(path: string, mode = 0o777): void {
  const folder = resolve(path);
  if (isFolderSync(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolderSync(parent, mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (!isFolderSync(folder)) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

function isFolderSync(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
