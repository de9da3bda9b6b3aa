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

/** Nobody writes to a file so slowly: milliseconds. */
const SHARED_IDLE_MS = 3_600_000;

/**
 * Opens where blobs live: the folder or bucket of REELVEC_BLOBS, after a look at whether it can be used.
 * @throws {SetupError} that says what is missing
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

/** Removes what a crash left half written; a bucket has none of that. */
export async function sweepTemporary(store: BlobStore, config: Parameters<typeof isOwnFolder>[0]): Promise<void> {
  if (!(store instanceof FolderBlobStore)) return;
  await store.sweepTemporary({ idleMs: isOwnFolder(config) ? 0 : SHARED_IDLE_MS });
}

/**
 * Whether nobody else writes to where blobs live: a folder in a data folder, which is one server's alone unless the
 * database is not.
 */
function isOwnFolder({ blobs, dataDir, databaseUrl }: Pick<Config, 'blobs' | 'dataDir' | 'databaseUrl'>): boolean {
  return databaseUrl === undefined && blobs.kind === 'folder' && blobs.path.startsWith(dataDir + sep);
}

/** For people: the folder, or the bucket with its prefix. */
export function describeLocation(blobs: Config['blobs']): string {
  return blobs.kind === 'folder' ? blobs.path : `s3://${blobs.bucket}/${blobs.prefix}`;
}

/** Opens where uploads in parts go, which become blobs of the store that `openBlobStore` gives. */
export function openUploadStore({ blobs }: Pick<Config, 'blobs'>): UploadStore {
  if (blobs.kind === 'folder') return new FolderUploadStore(blobs.path);
  return new S3UploadStore(blobs);
}
