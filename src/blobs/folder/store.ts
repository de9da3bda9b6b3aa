import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { ReelvecError } from '../../errors.ts';
import { makeFolder } from '../../make-folder.ts';
import { assertBlobKey, assertBlobPrefix } from '../keys.ts';
import { type BlobEntry, BlobNotFound, type BlobStore, type WriteOptions } from '../store.ts';
import { explainFullDisk, isMissing, moveDurably, unlessMissing } from './durable-files.ts';
import { writeFlushed } from './write-flushed.ts';

/**
 * Folder of temporary files. The leading dot, which keys must not have, keeps incomplete blobs out of reads and lists.
 */
const TEMPORARY_FOLDER = '.tmp';
const PROBE_CONTENT = Buffer.from('reelvec');

/**
 * Blob store in a folder on disk. A blob is written under a temporary name, flushed and renamed, and its parent folders
 * are flushed: after that it survives a power cut.
 */
export class FolderBlobStore implements BlobStore {
  /** Absolute path. */
  readonly root: string;
  #made: Promise<unknown> | undefined;

  constructor(root: string) {
    this.root = resolve(root);
  }

  /**
   * Creates the folder, once. If the folder disappears later, its blobs disappeared with it or its volume is not
   * mounted: from then on writes fail, and no blob is reported as missing.
   */
  async make(): Promise<void> {
    this.#made ??= makeFolder(join(this.root, TEMPORARY_FOLDER));
    try {
      await this.#made;
    } catch (error) {
      this.#made = undefined;
      throw error;
    }
  }

  /** Writes a few bytes to the disk of the folder and removes them. */
  async checkWritable(): Promise<void> {
    const path = join(this.root, TEMPORARY_FOLDER, randomUUID());
    try {
      await writeFlushed(path, [PROBE_CONTENT]);
    } finally {
      await rm(path, { force: true });
    }
  }

  /**
   * Removes temporary files that a crash left behind.
   * @param options.idleMs spares files written within this time, in milliseconds; 0 if this process is the only writer
   */
  async sweepTemporary({ idleMs }: { idleMs: number }): Promise<void> {
    const folder = join(this.root, TEMPORARY_FOLDER);
    for (const name of (await readdir(folder).catch(unlessMissing)) ?? []) {
      const path = join(folder, name);
      const found = await stat(path).catch(unlessMissing);
      if (found && Date.now() - Math.floor(found.mtimeMs) >= idleMs) await rm(path, { recursive: true, force: true });
    }
  }

  async write(
    key: string,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    { signal, onPiece }: WriteOptions = {},
  ): Promise<{ size: number }> {
    const path = this.#path(key);
    const temporary = join(this.root, TEMPORARY_FOLDER, randomUUID());
    try {
      signal?.throwIfAborted();
      await this.make();
      const pieces = content instanceof Uint8Array ? [content] : content;
      const written = await writeFlushed(temporary, pieces, { signal, onPiece });
      signal?.throwIfAborted();
      await moveDurably(temporary, path, this);
      return written;
    } catch (error) {
      if (content instanceof Readable) content.destroy();
      await rm(temporary, { force: true });
      if (isMissing(error)) await this.#assertFolderExists();
      throw explainFullDisk(error);
    }
  }

  read(key: string, range?: { start: number; end?: number }): Readable {
    return fs.createReadStream(this.#path(key), {
      ...range,
      fs: {
        open: (path: string, flags: string, mode: number, done: (error: Error | null, fd: number) => void) =>
          fs.open(path, flags, mode, (error, fd) => {
            if (!isMissing(error)) return done(error, fd);
            this.#assertFolderExists().then(
              () => done(new BlobNotFound(key), fd),
              (gone) => done(gone, fd),
            );
          }),
        read: fs.read,
        close: fs.close,
      },
    });
  }

  async stat(key: string): Promise<BlobEntry | undefined> {
    const found = await stat(this.#path(key)).catch(unlessMissing);
    if (!found) await this.#assertFolderExists();
    return found?.isFile() ? { key, size: found.size, modifiedAt: found.mtime } : undefined;
  }

  async use<T>(key: string, work: (location: string) => Promise<T>): Promise<T> {
    if (!(await this.stat(key))) throw new BlobNotFound(key);
    return work(this.#path(key));
  }

  async *list(prefix: string): AsyncIterable<BlobEntry> {
    assertBlobPrefix(prefix);
    const entries = await readdir(join(this.root, prefix), { withFileTypes: true }).catch(unlessMissing);
    if (!entries) await this.#assertFolderExists();
    for (const entry of entries ?? []) {
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) yield* this.list(`${prefix}${entry.name}/`);
      else if (entry.isFile()) {
        // Removed concurrently: not listed.
        const found = await this.stat(prefix + entry.name);
        if (found) yield found;
      }
    }
  }

  async remove(keyOrPrefix: string): Promise<void> {
    if (!keyOrPrefix.endsWith('/')) {
      const path = this.#path(keyOrPrefix);
      await rm(path, { force: true }).catch(unlessMissing);
      await this.#removeEmpty(dirname(path));
      return;
    }
    assertBlobPrefix(keyOrPrefix);
    // The rename removes all blobs at once, and excludes concurrent writes under the prefix.
    const removed = join(this.root, TEMPORARY_FOLDER, randomUUID());
    await this.make();
    await rename(join(this.root, keyOrPrefix), removed).catch(async (error) => {
      unlessMissing(error);
      await this.#assertFolderExists();
    });
    await rm(removed, { recursive: true, force: true });
    await this.#removeEmpty(dirname(join(this.root, keyOrPrefix)));
  }

  /** Tells a missing blob from a missing folder, or from an empty folder mounted in its place. */
  async #assertFolderExists(): Promise<void> {
    if (!this.#made) return;
    // A first write may be creating it at this moment.
    await this.#made;
    if (await stat(join(this.root, TEMPORARY_FOLDER)).catch(unlessMissing)) return;
    throw new ReelvecError(
      'service_unavailable',
      'The folder of media and results is not there, or not the one that the server was started with.',
    );
  }

  /** Removes empty folders upwards from `folder`. A concurrent write recreates the folder it needs. */
  async #removeEmpty(folder: string): Promise<void> {
    try {
      for (let empty = folder; empty.length > this.root.length; empty = dirname(empty)) {
        await rmdir(empty).catch(unlessMissing);
      }
    } catch {
      // The folder is not empty.
    }
  }

  #path(key: string): string {
    assertBlobKey(key);
    return join(this.root, key);
  }
}
