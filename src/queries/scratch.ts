import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolders } from '../blobs/folder/durable-files.ts';
import { FolderBlobStore } from '../blobs/folder/store.ts';

/** What one request needs on disk while it is answered; goes with the scope that it was opened in. */
export interface ScratchFolder extends AsyncDisposable {
  readonly blobs: FolderBlobStore;
}

/** Local folders for requests that are answered at once, whatever the store that tasks keep their bytes in. */
export class Scratch {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Removes what a crash left. Call it before the first folder is opened. */
  async sweep({ olderThanMs }: { olderThanMs: number }): Promise<void> {
    await mkdir(this.#root, { recursive: true });
    for (const name of await readdir(this.#root)) {
      const path = join(this.#root, name);
      const left = await stat(path).catch(() => undefined);
      if (left && Date.now() - left.mtimeMs >= olderThanMs) await rm(path, { recursive: true, force: true });
    }
  }

  async open(): Promise<ScratchFolder> {
    const path = join(this.#root, randomUUID());
    await makeFolders(path, dirname(this.#root));
    return {
      blobs: new FolderBlobStore(path),
      [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
    };
  }
}
