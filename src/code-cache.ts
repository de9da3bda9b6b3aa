import { enableCompileCache, flushCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Keeps what V8 compiles, and TypeScript without its types, in the user's cache folder, for this process and its
 * children: starting takes half the time from the second start on. In the user's own folder and not in Node's default,
 * the temporary one, where somebody else could lay code in wait. Where nothing can be written, nothing is kept.
 *
 * Call it before anything that is worth keeping is imported. Node's own variables for it go first.
 */
export function enableCodeCache(): void {
  const { env } = process;
  if (env['NODE_COMPILE_CACHE'] !== undefined || env['NODE_DISABLE_COMPILE_CACHE'] !== undefined) return;
  const folder = join(cacheFolder(), 'reelvec', 'code');
  enableCompileCache(folder);
  env['NODE_COMPILE_CACHE'] = folder;
}

/** Writes down what was compiled so far: for processes that will be killed. */
export { flushCompileCache as flushCodeCache };

function cacheFolder(): string {
  if (process.platform === 'darwin') return join(homedir(), 'Library/Caches');
  // an empty or relative one counts as unset, says the XDG Base Directory Specification
  const { XDG_CACHE_HOME = '' } = process.env;
  return XDG_CACHE_HOME.startsWith('/') ? XDG_CACHE_HOME : join(homedir(), '.cache');
}
