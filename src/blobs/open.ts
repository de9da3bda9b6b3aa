import { access, constants } from 'node:fs/promises';
import { sep } from 'node:path';
import type { Config } from '../config.ts';
import { asSetupError } from '../setup-error.ts';
import { FolderBlobStore } from './folder/store.ts';
import { FolderUploadStore } from './folder/uploads.ts';
import { BlockCache } from './s3/block-cache.ts';
import { RangeServer } from './s3/range-server.ts';
import { S3BlobStore } from './s3/store.ts';
import { S3UploadStore } from './s3/uploads.ts';
import type { BlobStore } from './store.ts';
import type { UploadStore } from './uploads.ts';

/** Age at which a temporary file in a shared folder is abandoned: no writer pauses this long. Milliseconds. */
const SHARED_FOLDER_IDLE_MS = 3_600_000;

/**
 * Opens the folder or bucket of REELVEC_BLOBS and checks that it is usable.
 * @throws {SetupError} that names what is missing
 */
export async function openBlobStore({
  blobs,
  cacheDir,
  cacheBytes,
}: Pick<Config, 'blobs' | 'cacheDir' | 'cacheBytes'>): Promise<BlobStore & AsyncDisposable> {
  if (blobs.kind === 'folder') {
    const store = new FolderBlobStore(blobs.path);
    try {
      await store.make();
      await access(blobs.path, constants.W_OK);
    } catch (error) {
      throw asSetupError(
        error,
        `The folder ${blobs.path} for media and results cannot be used`,
        'Check REELVEC_BLOBS.',
      );
    }
    return Object.assign(store, { [Symbol.asyncDispose]: async () => {} });
  }
  const cache = new BlockCache({ folder: cacheDir, maxBytes: cacheBytes });
  const store = new S3BlobStore({ ...blobs, ranges: new RangeServer({ cache }) });
  try {
    await store.check();
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
  return store;
}

/** Removes temporary files that a crash left behind. Buckets have none. */
export async function sweepTemporary(store: BlobStore, config: Parameters<typeof isOwnFolder>[0]): Promise<void> {
  if (!(store instanceof FolderBlobStore)) return;
  await store.sweepTemporary({ idleMs: isOwnFolder(config) ? 0 : SHARED_FOLDER_IDLE_MS });
}

/**
 * True if this server is the only writer of the blob folder: a folder inside the data folder, with SQLite as the
 * database.
 */
function isOwnFolder({ blobs, dataDir, databaseUrl }: Pick<Config, 'blobs' | 'dataDir' | 'databaseUrl'>): boolean {
  return databaseUrl === undefined && blobs.kind === 'folder' && blobs.path.startsWith(dataDir + sep);
}

/** Human-readable location: the folder, or the bucket with its prefix. */
export function describeLocation(blobs: Config['blobs']): string {
  return blobs.kind === 'folder' ? blobs.path : `s3://${blobs.bucket}/${blobs.prefix}`;
}

/** Opens the `UploadStore` that matches the store of `openBlobStore`. */
export function openUploadStore({ blobs }: Pick<Config, 'blobs'>): UploadStore {
  if (blobs.kind === 'folder') return new FolderUploadStore(blobs.path);
  return new S3UploadStore(blobs);
}
