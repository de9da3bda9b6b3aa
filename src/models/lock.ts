import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLockFile } from '../exclusive-lock.ts';
import { makeFolderSync } from '../make-folder.ts';
import { asSetupError } from '../setup-error.ts';

/** Time between attempts to take the lock, in milliseconds. */
const POLL_INTERVAL_MS = 200;

/**
 * Takes the exclusive lock of a models folder; waits while another process holds it.
 * @param options.onWait called once if another process holds the lock
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
    return tryLockFile(join(folder, '.lock'));
  } catch (error) {
    throw asSetupError(
      error,
      `The models folder ${folder} cannot be used`,
      'Give another --models-dir, or mend this one.',
    );
  }
}
