import { DatabaseSync } from 'node:sqlite';

/** SQLite's result code for a locked database (https://sqlite.org/rescode.html#busy). */
const SQLITE_BUSY = 5;

/**
 * Takes an exclusive lock between processes. SQLite holds an operating-system lock on the file, which is released when the
 * process ends, even by a crash.
 * @param file path of the lock file, created if missing
 * @param options.timeoutMs maximum wait for another process, in milliseconds; default 0
 * @returns the lock, released on disposal; undefined if another process holds it
 * @throws SQLite's error if the file cannot be opened
 */
export function tryLockFile(file: string, { timeoutMs = 0 }: { timeoutMs?: number } = {}): Disposable | undefined {
  using stack = new DisposableStack();
  const database = stack.adopt(new DatabaseSync(file, { timeout: timeoutMs }), (open) => open.close());
  const isTaken = unlessBusy(() => database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE'));
  return isTaken ? stack.move() : undefined;
}

/** True if a process holds the lock on an existing file. */
export function isFileLocked(file: string): boolean {
  using database = new DatabaseSync(file, { readOnly: true });
  return !unlessBusy(() => database.exec('SELECT * FROM sqlite_schema'));
}

/** Runs a statement. @returns false if the database is locked */
function unlessBusy(run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    return false;
  }
}
