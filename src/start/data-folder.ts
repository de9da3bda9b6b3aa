import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolderSync } from '../make-folder.ts';
import type { Logger } from '../observe/logger.ts';
import { asSetupError, SetupError } from '../setup-error.ts';

/** https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;
const LOCK = 'server.lock';
/** `reelvec doctor` looks at the lock, and must not keep a server from starting. Milliseconds. */
const LOCK_WAIT_MS = 500;

/** Another server works in the folder: nothing is wrong but the call. */
export class DataFolderInUse extends SetupError {}

/** The mode of what this process makes from now on: folders 0700, files 0600. Media, results and keys are in them. */
const PRIVATE_UMASK = 0o077;
/** Rights of users who are neither the owner nor in the group. */
const OTHERS = 0o007;

export function keepFilesPrivate(): void {
  process.umask(PRIVATE_UMASK);
}

/**
 * Makes the databases of an older version private, which hold hashes of keys and what webhooks were told. Folders that
 * are there are left as they are: somebody may have given them to a group on purpose, or other things may lie in them.
 */
export function protectDataFolder(path: string, log: Logger): void {
  for (const name of ['reelvec.db', 'jobs.db']) {
    for (const file of ['', '-wal', '-shm'].map((suffix) => join(path, name + suffix))) {
      const mode = statSync(file, { throwIfNoEntry: false })?.mode;
      if (mode === undefined || (mode & PRIVATE_UMASK) === 0) continue;
      try {
        chmodSync(file, mode & ~PRIVATE_UMASK);
      } catch (error) {
        log.warn({ err: error, file }, 'others on this machine may read the database, and that could not be changed');
      }
    }
  }
  if (statSync(path).mode & OTHERS) {
    log.warn({ path }, 'others on this machine may look into the data folder; `chmod 700` keeps them out');
  }
}

/**
 * Takes a data folder for this process alone. The lock is one of the operating system, held through SQLite: it goes
 * with the process, however that ends, and no other process that happens to get the same pid can seem to hold it.
 * @throws {DataFolderInUse} naming the pid of the server that has it
 * @throws {SetupError} when the folder cannot be made or written to
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
  const held = new DatabaseSync(join(path, LOCK), { timeout: LOCK_WAIT_MS });
  try {
    held.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    held.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    const pid = pidIn(pidFile);
    throw new DataFolderInUse(
      `The data folder ${path} is in use by the reelvec server with pid ${pid}. Stop that one, or give another --data-dir.`,
      { cause: error },
    );
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return { [Symbol.dispose]: () => held.close() };
}

/** True while a server, or a command that must be alone, has the folder. */
export function isDataFolderInUse(path: string): boolean {
  const file = join(path, LOCK);
  if (!existsSync(file)) return false;
  using lock = new DatabaseSync(file, { readOnly: true });
  try {
    lock.exec('SELECT * FROM sqlite_schema');
    return false;
  } catch (error) {
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    return true;
  }
}

function pidIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
