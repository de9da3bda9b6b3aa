import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asSetupError, SetupError } from '../setup-error.ts';
import { databasePlace } from '../store/database.ts';

/** Where the parts of an embedded server's data lie. */
export interface DataFolder extends Disposable {
  readonly database: string;
  readonly jobs: string;
}

/** https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/** Another server works in the folder: nothing is wrong but the call. */
export class DataFolderInUse extends SetupError {}

/**
 * Takes a data folder for this process alone. The lock is one of the operating system, held through SQLite: it goes
 * with the process, however that ends, and no other process that happens to get the same pid can seem to hold it.
 * @throws {DataFolderInUse} naming the pid of the server that has it
 * @throws {SetupError} when the folder cannot be made or written to
 */
export function lockDataFolder(path: string): DataFolder {
  try {
    return lock(path);
  } catch (error) {
    throw asSetupError(error, `The data folder ${path} cannot be used`, 'Give another --data-dir, or mend this one.');
  }
}

function lock(path: string): DataFolder {
  mkdirSync(path, { recursive: true });
  const pidFile = join(path, 'server.pid');
  const held = new DatabaseSync(join(path, 'server.lock'));
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
  return {
    database: databasePlace({ dataDir: path }),
    jobs: join(path, 'jobs.db'),
    [Symbol.dispose]: () => held.close(),
  };
}

function pidIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
