import { randomBytes } from 'node:crypto';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { assertBlobKey } from '../keys.ts';
import {
  type Part,
  type PartialBlob,
  type PartPlan,
  PartSizeError,
  partCount,
  partRange,
  type ServerIntake,
  type UploadStore,
} from '../uploads.ts';
import { explainFullDisk, flushFolder, isMissing, makeFolders, moveDurably, unlessMissing } from './durable-files.ts';
import { writeFlushed } from './write-flushed.ts';

/**
 * Folder of incomplete uploads. The leading dot, which keys must not have, hides it; it is separate from the temporary
 * files because uploads outlive a restart.
 */
const UPLOADS_FOLDER = '.uploads';
/** Stands for `/` in file names. Keys never contain it, so the mapping is one to one. */
const SLASH_REPLACEMENT = '~';

/**
 * Upload store in a folder of blobs. Each upload is one sparse file that parts are written into at their offsets;
 * completing it renames the file without a copy.
 */
export class FolderUploadStore implements UploadStore {
  readonly intake: ServerIntake = {
    kind: 'server',
    write: (upload, number, content, options) => this.#write(upload, number, content, options),
  };
  readonly #root: string;
  readonly #folder: string;

  /** @param root root folder of the `FolderBlobStore` */
  constructor(root: string) {
    this.#root = resolve(root);
    this.#folder = join(this.#root, UPLOADS_FOLDER);
  }

  async begin(key: string, plan: PartPlan): Promise<PartialBlob> {
    const path = this.#path(key);
    try {
      await makeFolders(this.#folder, this.#root);
      await using file = await open(path, 'w');
      await file.truncate(plan.size);
      await file.sync();
    } catch (error) {
      await rm(path, { force: true });
      throw explainFullDisk(error);
    }
    await flushFolder(this.#folder);
    return { ...plan, key, id: UPLOADS_FOLDER };
  }

  async complete(upload: PartialBlob, parts: readonly Part[]): Promise<{ size: number }> {
    const numbers = new Set(parts.map(({ number }) => number));
    if (numbers.size !== partCount(upload)) throw new Error(`Only ${numbers.size} parts of ${upload.key} are stored.`);
    const path = this.#path(upload.key);
    const target = join(this.#root, upload.key);
    try {
      {
        await using file = await open(path);
        await file.sync();
      }
      await moveDurably(path, target, { root: this.#root });
    } catch (error) {
      const made = isMissing(error) ? await stat(target).catch(() => undefined) : undefined;
      if (made?.size !== upload.size) throw error;
    }
    return { size: upload.size };
  }

  async abort(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  async sweep({ idleMs }: { idleMs: number }): Promise<number> {
    let swept = 0;
    for (const name of (await readdir(this.#folder).catch(unlessMissing)) ?? []) {
      const path = join(this.#folder, name);
      const found = await stat(path).catch(unlessMissing);
      if (!found || Date.now() - Math.floor(found.mtimeMs) < idleMs) continue;
      await rm(path, { force: true });
      swept++;
    }
    return swept;
  }

  async #write(
    upload: PartialBlob,
    number: number,
    content: AsyncIterable<Uint8Array>,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Part> {
    const { start, size: expected } = partRange(upload, number);
    try {
      let got = 0;
      // Throws before a byte reaches the next part.
      const onPiece = (piece: Uint8Array) => {
        got += piece.length;
        if (got > expected) throw new PartSizeError({ number, expected, got });
      };
      await writeFlushed(this.#path(upload.key), content, { flags: 'r+', position: start, onPiece, signal });
      if (got < expected) throw new PartSizeError({ number, expected, got });
      // A random tag is enough to tell versions of a part apart; a checksum would take a fifth of the write time.
      return { number, size: got, etag: randomBytes(8).toString('hex') };
    } catch (error) {
      throw explainFullDisk(error);
    }
  }

  #path(key: string): string {
    assertBlobKey(key);
    return join(this.#folder, key.replaceAll('/', SLASH_REPLACEMENT));
  }
}
