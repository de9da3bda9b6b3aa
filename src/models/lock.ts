import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;
const POLL_INTERVAL_MS = 200;

/**
 * Takes a folder of models for this process alone, after whoever has it. The lock is one of the operating system, held
 * through SQLite, and goes with the process, however that ends.
 * @param options.onWait told once when somebody else has it
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
