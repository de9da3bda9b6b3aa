import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError } from './faults.ts';

/**
 * An absolute path for one on the command line, relative to the folder in which the command was typed. That is not the
 * current one under `npm run`, which goes to the folder of the package first and keeps the caller's in INIT_CWD.
 */
export function callerPath(path: string, environment: NodeJS.ProcessEnv = process.env): string {
  const { INIT_CWD: folder, npm_package_json: script } = environment;
  // Of another package, whose author means paths relative to that package.
  const isOwn = script === fileURLToPath(new URL('../../package.json', import.meta.url));
  return resolve(isOwn && folder ? folder : '.', path);
}

/**
 * Fails before the work and not after it. What happens to the disk meanwhile is another matter.
 * @param flag for the error: `--output`
 * @throws {CommandError} when no file can be written there
 */
export async function requireWritable(path: string, flag: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw new CommandError(`${flag}: ${path} is a folder. Name a file in it.`);
  try {
    await access(found ? path : dirname(path), constants.W_OK);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = isMissing ? `there is no folder ${dirname(path)}` : 'it must not be written to';
    throw new CommandError(`${flag}: ${path} cannot be written: ${reason}.`);
  }
}
