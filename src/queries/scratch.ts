import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolders } from '../blobs/folder/durable-files.ts';
import { FolderBlobStore } from '../blobs/folder/store.ts';
import { makeFolder } from '../make-folder.ts';

/** Temporary folder of one request, removed on disposal. */
export interface ScratchFolder extends AsyncDisposable {
  readonly blobs: FolderBlobStore;
}

/** Local temporary folders for synchronous requests, independent of the blob store of tasks. */
export class Scratch {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Removes folders left by a crash. Call it before the first `open`. */
  async sweep({ olderThanMs }: { olderThanMs: number }): Promise<void> {
    await makeFolder(this.#root);
    for (const name of await readdir(this.#root)) {
      const path = join(this.#root, name);
      const left = await stat(path).catch(() => undefined);
      if (left && Date.now() - left.mtimeMs >= olderThanMs) await rm(path, { recursive: true, force: true });
    }
  }

  /** Creates the folder of a request. */
  async open(): Promise<ScratchFolder> {
    const path = join(this.#root, randomUUID());
    await makeFolders(path, dirname(this.#root));
    return {
      blobs: new FolderBlobStore(path),
      [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
    };
  }
}
