import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolderSync } from '../make-folder.ts';
import { asSetupError } from '../setup-error.ts';

/** SQLite's result code for a locked database (https://sqlite.org/rescode.html#busy). */
const SQLITE_BUSY = 5;
/** Time between attempts to take the lock, in milliseconds. */
const POLL_INTERVAL_MS = 200;

/**
 * Takes the exclusive lock of a models folder; waits while another process holds it. SQLite holds an operating-system
 * lock, which is released when the process ends, even by a crash.
 * @param options.onWait called once if the lock is taken
 * @returns the lock; disposing it releases it
 * @throws {SetupError} if the folder cannot be created or written to
 */
export async function lockModels(
  folder: string,
  { onWait, signal }: { onWait?: () => void; signal?: AbortSignal } = {},
): Promise<Disposable> {
  for (let tries = 0; ; tries++) {
    const lock = tryLock(folder);
    if (lock) return lock;
    if (tries === 0) onWait?.();
    await sleep(POLL_INTERVAL_MS, undefined, { signal });
  }
}

/** @returns undefined if another process holds the lock */
function tryLock(folder: string): Disposable | undefined {
  try {
    makeFolderSync(folder);
    using stack = new DisposableStack();
    const database = stack.adopt(new DatabaseSync(join(folder, '.lock')), (database) => database.close());
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return stack.move();
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw asSetupError(
      error,
      `The models folder ${folder} cannot be used`,
      'Give another --models-dir, or mend this one.',
    );
  }
}
