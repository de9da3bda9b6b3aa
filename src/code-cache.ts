import { enableCompileCache, flushCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { makeFolderSync } from './make-folder.ts';

/**
 * Enables Node's compile cache for this process and its children: V8 code and stripped TypeScript. It halves the
 * startup time from the second start on. The cache is in the user's cache folder instead of Node's default, the
 * temporary folder, where another user could plant code. An unwritable folder disables the cache.
 *
 * Call it before the imports to be cached. Node's own variables, NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE,
 * take precedence.
 */
export function enableCodeCache(): void {
  const { env } = process;
  if (env['NODE_COMPILE_CACHE'] !== undefined || env['NODE_DISABLE_COMPILE_CACHE'] !== undefined) return;
  const folder = join(cacheFolder(), 'reelvec', 'code');
  try {
    // Node never returns if its own attempt fails with ENOENT.
    makeFolderSync(folder);
  } catch {
    return;
  }
  enableCompileCache(folder);
  env['NODE_COMPILE_CACHE'] = folder;
}

/** Writes the code compiled so far to the cache; for processes that will be killed. */
export { flushCompileCache as flushCodeCache };

function cacheFolder(): string {
  if (process.platform === 'darwin') return join(homedir(), 'Library/Caches');
  // The XDG Base Directory Specification treats an empty or relative path as unset.
  const { XDG_CACHE_HOME = '' } = process.env;
  return XDG_CACHE_HOME.startsWith('/') ? XDG_CACHE_HOME : join(homedir(), '.cache');
}
