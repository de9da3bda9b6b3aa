import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ReelvecError } from '../../errors.ts';

/**
 * Moves a flushed file to a path below `root` and creates the parent folders. The file survives a power cut once the
 * promise resolves. The root itself is not created.
 */
export async function moveDurably(from: string, to: string, { root }: { root: string }): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await makeFolders(dirname(to), root);
      await rename(from, to);
      break;
    } catch (error) {
      // A concurrent `remove` of the prefix may delete the folder in between.
      if (!isMissing(error) || attempt === 5) throw error;
    }
  }
  // All folders up to the root: another writer may have created one of them without having flushed it yet.
  for (let folder = dirname(to); folder.length >= root.length; folder = dirname(folder)) await flushFolder(folder);
}

/**
 * Creates a folder and its parents below an existing root. A missing root is an error: an empty folder must not replace
 * it.
 */
export async function makeFolders(folder: string, root: string): Promise<void> {
  if (folder.length <= root.length) return;
  try {
    await mkdir(folder).catch(unlessExists);
  } catch (error) {
    if (!isMissing(error) || dirname(folder).length <= root.length) throw error;
    await makeFolders(dirname(folder), root);
    await mkdir(folder).catch(unlessExists);
  }
}

/** Flushes a folder, which makes the names in it durable. */
export async function flushFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder);
    await handle.sync();
  } catch (error) {
    // Removed concurrently together with the blob: nothing is left to make durable.
    if (!isMissing(error)) throw error;
  }
}

export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function unlessExists(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
}

export function unlessMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

/** Turns an error about a full disk into one that names the remedy; returns any other error unchanged. */
export function explainFullDisk(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EFBIG') return error;
  return new ReelvecError(
    'service_unavailable',
    'The server has no room left to store this, and kept nothing of it. Free space on the disk of its data folder, or try again later.',
    { cause: error },
  );
}
