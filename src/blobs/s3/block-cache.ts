import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../make-folder.ts';

export interface BlockCacheOptions {
  /** Emptied on start. If two processes share the folder, each may use `maxBytes`. */
  readonly folder: string;
  /** Maximum bytes on disk. */
  readonly maxBytes: number;
}

/** LRU cache on local disk for blocks of remote blobs. Missing blocks are fetched again. */
export class BlockCache {
  readonly #options: BlockCacheOptions;
  /** Size in bytes by file name, least recently used first. */
  readonly #sizes = new Map<string, number>();
  readonly #loading = new Map<string, Promise<Uint8Array>>();
  readonly #writes = new Set<Promise<void>>();
  #bytes = 0;
  #opened: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: BlockCacheOptions) {
    this.#options = options;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Returns a cached block, or loads it; concurrent calls share one load. @param name permanently identifies the
   * content
   */
  async get(name: string, load: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const file = createHash('sha256').update(name).digest('hex');
    const loading = this.#loading.get(file);
    if (loading) return loading;
    const promise = this.#find(file, load).finally(() => this.#loading.delete(file));
    this.#loading.set(file, promise);
    return promise;
  }

  /**
   * Empties the folder, unless this cache never used it: then it may belong to another process. Pending loads are not
   * stored.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (!this.#opened) return;
    await this.#opened;
    await Promise.allSettled(this.#writes);
    await this.#empty();
  }

  async #empty(): Promise<void> {
    this.#sizes.clear();
    this.#bytes = 0;
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  async #find(file: string, load: () => Promise<Uint8Array>): Promise<Uint8Array> {
    this.#opened ??= this.#empty();
    await this.#opened;
    const size = this.#sizes.get(file);
    if (size !== undefined) {
      const bytes = await readFile(join(this.#options.folder, file)).catch(() => undefined);
      this.#forget(file);
      if (bytes?.length === size) {
        this.#keep(file, size);
        return bytes;
      }
    }
    const bytes = await load();
    if (this.#isClosed) return bytes;
    const write = this.#store(file, bytes);
    this.#writes.add(write);
    await write.finally(() => this.#writes.delete(write));
    return bytes;
  }

  async #store(file: string, bytes: Uint8Array): Promise<void> {
    const { folder, maxBytes } = this.#options;
    if (bytes.length > maxBytes) return;
    const temporary = join(folder, randomUUID());
    try {
      await makeFolder(folder);
      await writeFile(temporary, bytes);
      await rename(temporary, join(folder, file));
    } catch {
      // A full disk makes reads slower, not wrong.
      await rm(temporary, { force: true }).catch(() => {});
      return;
    }
    this.#keep(file, bytes.length);
    for (const [oldest] of this.#sizes) {
      if (this.#bytes <= maxBytes) break;
      this.#forget(oldest);
      await rm(join(folder, oldest), { force: true });
    }
  }

  #keep(file: string, size: number): void {
    this.#sizes.set(file, size);
    this.#bytes += size;
  }

  #forget(file: string): void {
    this.#bytes -= this.#sizes.get(file) ?? 0;
    this.#sizes.delete(file);
  }
}
