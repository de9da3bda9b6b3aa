import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FolderBlobStore } from '../blobs/folder/store.ts';
import type { BlobStore } from '../blobs/store.ts';
import type { Config } from '../config.ts';
import { databaseLocation } from '../database/open.ts';
import { ReelvecError } from '../errors.ts';
import type { TaskRepository } from '../tasks/repository.ts';

/** Lifetime of a result, so that many load balancers that poll every second cause one write per second. Milliseconds. */
const RESULT_TTL_MS = 1000;
/** Timeout of a check: a disk or database that takes longer hangs. Milliseconds. */
const CHECK_TIMEOUT_MS = 5000;

export interface ReadinessDeps {
  readonly config: Pick<Config, 'dataDir' | 'databaseUrl'>;
  readonly tasks: Pick<TaskRepository, 'get'>;
  readonly blobs: BlobStore;
}

/** Readiness check. Rejects with the reason while the server cannot work. */
export type Readiness = () => Promise<void>;

/**
 * Opens the check of `/readyz`: the database answers, files can be opened and written, and the data folder and its database
 * are those that the server has opened. Buckets are not checked, because they charge per request.
 */
export async function openReadiness({ config, tasks, blobs }: ReadinessDeps): Promise<Readiness> {
  // With PostgreSQL, the data folder only has files that can be recreated.
  const folder = config.databaseUrl === undefined ? config.dataDir : undefined;
  const own = folder === undefined ? [] : [folder, databaseLocation(config)];
  const opened = await Promise.all(own.map(identityOf));

  const check = async () => {
    await orReason('The server cannot reach its database.', () => tasks.get(''));
    await orReason('The data folder or its database is not the one that the server was started with.', async () => {
      const found = await Promise.all(own.map(identityOf));
      if (found.some((identity, i) => identity !== opened[i])) throw new Error(`not the same: ${own.join(', ')}`);
    });
    await orReason('The server cannot open files or write to its disk.', async () => {
      await (folder === undefined ? openAnyFile() : writeProbe(folder));
      if (blobs instanceof FolderBlobStore) await blobs.checkWritable();
    });
  };

  let last: { readonly at: number; readonly outcome: Promise<void> } | undefined;
  return () => {
    if (!last || performance.now() - last.at > RESULT_TTL_MS) {
      last = { at: performance.now(), outcome: withTimeout(check()) };
      // Callers get the rejection; without a caller, it must not be an unhandled rejection.
      last.outcome.catch(() => {});
    }
    return last.outcome;
  };
}

async function orReason(reason: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw new ReelvecError('service_unavailable', reason, { cause });
  }
}

async function withTimeout(check: Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = sleep(CHECK_TIMEOUT_MS, undefined, { signal: over.signal, ref: false }).then(() => {
    throw new ReelvecError(
      'service_unavailable',
      `The server's disk or database did not answer within ${CHECK_TIMEOUT_MS / 1000} s.`,
    );
  });
  try {
    await Promise.race([check, late]);
  } finally {
    over.abort();
    late.catch(() => {});
  }
}

/** Device and inode of a file or folder, which change if it is replaced by another of the same name. */
async function identityOf(path: string): Promise<string> {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev}:${ino}`;
}

async function openAnyFile(): Promise<void> {
  await using _ = await open(process.execPath);
}

async function writeProbe(folder: string): Promise<void> {
  const path = join(folder, 'ready.probe');
  {
    await using file = await open(path, 'w');
    await file.write('reelvec');
    await file.datasync();
  }
  await rm(path, { force: true });
}
