import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** SQLite's result code for a locked database (https://sqlite.org/rescode.html#busy). */
const SQLITE_BUSY = 5;
/** Time between attempts to take the lock, in milliseconds. */
const POLL_INTERVAL_MS = 200;

/**
 * Takes the exclusive lock of a models folder; waits while another process holds it. SQLite holds an operating-system
 * lock, which is released when the process ends, even by a crash.
 * @param options.onWait called once if the lock is taken
 * @returns the lock; disposing it releases it
 */
export async function lockModels(
  folder: string,
  { onWait, signal }: { onWait?: () => void; signal?: AbortSignal } = {},
): Promise<Disposable> {
  mkdirSync(folder, { recursive: true });
  for (let tries = 0; ; tries++) {
    const lock = new DatabaseSync(join(folder, '.lock'));
    try {
      lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
      return { [Symbol.dispose]: () => lock.close() };
    } catch (error) {
      lock.close();
      if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    }
    if (tries === 0) onWait?.();
    await sleep(POLL_INTERVAL_MS, undefined, { signal });
  }
}
