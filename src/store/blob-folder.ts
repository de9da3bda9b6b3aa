import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { ReelvecError } from '../errors.ts';
import { assertBlobKey, assertBlobPrefix } from './blob-keys.ts';
import { BlobNotFound, type BlobStore } from './blobs.ts';

/** Starts with a dot, which no key may do: nothing that is half written can be read or listed. */
const TEMPORARY = '.tmp';

/**
 * Blobs as files of one folder, which one server owns. A blob is written under a temporary name, flushed, renamed, and
 * the folders above it are flushed: after that it survives a power cut.
 */
export class FolderBlobStore implements BlobStore {
  /** Absolute path. */
  readonly root: string;

  constructor(root: string) {
    this.root = resolve(root);
  }

  /** Removes what a crash left half written. Call it before the first write: it takes other writers' files too. */
  async sweepTemporary(): Promise<void> {
    await rm(join(this.root, TEMPORARY), { recursive: true, force: true });
  }

  async write(
    key: string,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<{ size: number; sha256: string }> {
    const path = this.#path(key);
    const temporary = join(this.root, TEMPORARY, randomUUID());
    try {
      signal?.throwIfAborted();
      await mkdir(dirname(temporary), { recursive: true });
      const written = await writeFlushed(temporary, content, signal);
      signal?.throwIfAborted();
      await this.#rename(temporary, path);
      return written;
    } catch (error) {
      await rm(temporary, { force: true });
      throw explained(error);
    }
  }

  read(key: string, range?: { start: number; end?: number }): Readable {
    return fs.createReadStream(this.#path(key), {
      ...range,
      fs: {
        open: (path: string, flags: string, mode: number, done: (error: Error | null, fd: number) => void) =>
          fs.open(path, flags, mode, (error, fd) => done(isMissing(error) ? new BlobNotFound(key) : error, fd)),
        read: fs.read,
        close: fs.close,
      },
    });
  }

  async stat(key: string): Promise<{ size: number; path: string } | undefined> {
    const path = this.#path(key);
    const found = await stat(path).catch(unlessMissing);
    return found?.isFile() ? { size: found.size, path } : undefined;
  }

  async *list(prefix: string): AsyncIterable<string> {
    assertBlobPrefix(prefix);
    const entries = await readdir(join(this.root, prefix), { withFileTypes: true }).catch(unlessMissing);
    for (const entry of entries ?? []) {
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) yield* this.list(`${prefix}${entry.name}/`);
      else if (entry.isFile()) yield prefix + entry.name;
    }
  }

  async remove(keyOrPrefix: string): Promise<void> {
    if (!keyOrPrefix.endsWith('/')) {
      const path = this.#path(keyOrPrefix);
      return rm(path, { force: true }).catch(unlessMissing);
    }
    assertBlobPrefix(keyOrPrefix);
    // Moved away first: all of it goes at once, and a write below the prefix at the same time cannot get in between.
    const removed = join(this.root, TEMPORARY, randomUUID());
    await mkdir(dirname(removed), { recursive: true });
    await rename(join(this.root, keyOrPrefix), removed).catch(unlessMissing);
    await rm(removed, { recursive: true, force: true });
  }

  #path(key: string): string {
    assertBlobKey(key);
    return join(this.root, key);
  }

  async #rename(temporary: string, path: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await mkdir(dirname(path), { recursive: true });
      try {
        await rename(temporary, path);
        break;
      } catch (error) {
        // A `remove` of the prefix may take the folder away between the two lines above.
        if (!isMissing(error) || attempt === 5) throw error;
      }
    }
    // Every folder up to the root: another writer may have made one of them and not flushed it yet.
    for (let folder = dirname(path); folder.length >= this.root.length; folder = dirname(folder)) await flush(folder);
  }
}

async function writeFlushed(path: string, content: AsyncIterable<Uint8Array> | Uint8Array, signal?: AbortSignal) {
  await using file = await open(path, 'wx');
  const hash = createHash('sha256');
  let size = 0;
  for await (const bytes of content instanceof Uint8Array ? [content] : untilAborted(content, signal)) {
    await writeAll(file, bytes);
    hash.update(bytes);
    size += bytes.length;
  }
  await file.sync();
  return { size, sha256: hash.digest('hex') };
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}

/** The content, except that an abort ends the wait for bytes that never come. */
async function* untilAborted(content: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  const iterator = content[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await nextOrAbort(iterator, signal);
      if (next.done) break;
      yield next.value;
    }
    ended = true;
  } finally {
    // Not waited for: a generator that hangs in its own `await` answers `return` only after that.
    if (!ended) iterator.return?.().then(undefined, () => {});
  }
}

/** Not `Promise.race`: against one long-lived abort promise it would keep every chunk in memory until the end. */
function nextOrAbort<T>(iterator: AsyncIterator<T>, signal?: AbortSignal): Promise<IteratorResult<T>> {
  if (!signal) return iterator.next();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}

async function flush(folder: string): Promise<void> {
  try {
    await using handle = await open(folder);
    await handle.sync();
  } catch (error) {
    // Removed meanwhile, and the blob with it: there is nothing left to make durable.
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function unlessMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

function explained(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EFBIG') return error;
  return new ReelvecError(
    'service_unavailable',
    'The server has no room left to store this, and kept nothing of it. Free space on the disk of its data folder, or try again later.',
    { cause: error },
  );
}
