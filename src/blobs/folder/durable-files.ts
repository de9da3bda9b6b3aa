import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ReelvecError } from '../../errors.ts';

/**
 * Moves a flushed file to its place below `root`, making the folders on the way: after that it survives a power cut.
 * The root itself is not made.
 */
export async function moveDurably(from: string, to: string, { root }: { root: string }): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await makeFolders(dirname(to), root);
      await rename(from, to);
      break;
    } catch (error) {
      // A `remove` of the prefix may take the folder away in between.
      if (!isMissing(error) || attempt === 5) throw error;
    }
  }
  // Every folder up to the root: another writer may have made one of them and not flushed it yet.
  for (let folder = dirname(to); folder.length >= root.length; folder = dirname(folder)) await flushFolder(folder);
}

/** Makes a folder and those above it, up to a root that must be there: an empty one must not come in its place. */
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

/** Makes the names in a folder durable. */
export async function flushFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder);
    await handle.sync();
  } catch (error) {
    // Removed meanwhile, and the blob with it: there is nothing left to make durable.
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

/** Says what to do about a disk that is full; any other error is as it was. */
export function explainFullDisk(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EFBIG') return error;
  return new ReelvecError(
    'service_unavailable',
    'The server has no room left to store this, and kept nothing of it. Free space on the disk of its data folder, or try again later.',
    { cause: error },
  );
}
