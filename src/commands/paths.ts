import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isNpmScript } from '../start/npm-script.ts';
import { CommandError } from './faults.ts';

/**
 * Resolves a path from the command line against the caller's folder. Under `npm run` that is INIT_CWD, because npm
 * changes to the package folder first.
 */
export function callerPath(path: string, environment: NodeJS.ProcessEnv = process.env): string {
  const { INIT_CWD: folder } = environment;
  // In a script of another package, paths are relative to that package.
  return resolve(isNpmScript(environment) && folder ? folder : '.', path);
}

/**
 * Checks that an output file can be written, so that the command fails before the work. The disk may still fill up
 * meanwhile.
 * @param flag flag for the error message: `--output`
 * @throws {CommandError}
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
