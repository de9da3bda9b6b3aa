import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFileLocked, tryLockFile } from '../exclusive-lock.ts';
import { makeFolderSync } from '../make-folder.ts';
import type { Logger } from '../observe/logger.ts';
import { asSetupError, SetupError } from '../setup-error.ts';

const LOCK = 'server.lock';
/** Maximum wait for the lock, so that `reelvec doctor`, which probes it, does not make a start fail. Milliseconds. */
const LOCK_TIMEOUT_MS = 500;

/** Another server uses the data folder. */
class DataFolderInUse extends SetupError {}

/** Umask that makes new folders 0700 and new files 0600: they contain media, results and keys. */
const PRIVATE_UMASK = 0o077;
/** Permission bits of users outside the group. */
const OTHERS = 0o007;

/** Makes all files that this process creates from now on private to its user. */
export function keepFilesPrivate(): void {
  process.umask(PRIVATE_UMASK);
}

/**
 * Removes the permissions of other users from database files of older versions, which hold key hashes and webhook bodies.
 * Existing folders keep their mode, because the operator may have shared them with a group; warns if others may read them.
 */
export function protectDataFolder(path: string, log: Logger): void {
  for (const name of ['reelvec.db', 'jobs.db']) {
    for (const file of ['', '-wal', '-shm'].map((suffix) => join(path, name + suffix))) {
      const mode = statSync(file, { throwIfNoEntry: false })?.mode;
      if (mode === undefined || (mode & PRIVATE_UMASK) === 0) continue;
      try {
        chmodSync(file, mode & ~PRIVATE_UMASK);
      } catch (error) {
        log.warn({ err: error, file }, 'database readable by other users: mode not changed');
      }
    }
  }
  if (statSync(path).mode & OTHERS) {
    log.warn({ path }, 'others on this machine may look into the data folder; `chmod 700` keeps them out');
  }
}

/**
 * Takes the exclusive lock of a data folder, and creates the folder if missing. A pid file alone would mistake another process
 * with the same pid for the server.
 * @throws {DataFolderInUse} that names the pid of the other server
 * @throws {SetupError} if the folder cannot be created or written to
 */
export function lockDataFolder(path: string): Disposable {
  try {
    return lock(path);
  } catch (error) {
    throw asSetupError(error, `The data folder ${path} cannot be used`, 'Give another --data-dir, or mend this one.');
  }
}

function lock(path: string): Disposable {
  makeFolderSync(path);
  const pidFile = join(path, 'server.pid');
  const held = tryLockFile(join(path, LOCK), { timeoutMs: LOCK_TIMEOUT_MS });
  if (!held) {
    const pid = pidIn(pidFile);
    throw new DataFolderInUse(
      `The data folder ${path} is in use by the reelvec server with pid ${pid}. Stop that one, or give another --data-dir.`,
    );
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return held;
}

/** True while a server, or a command with exclusive access, holds the lock of the folder. */
export function isDataFolderInUse(path: string): boolean {
  const file = join(path, LOCK);
  return existsSync(file) && isFileLocked(file);
}

function pidIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
