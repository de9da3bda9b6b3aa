import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Why no disk can be mounted here; undefined where one can. */
export const NO_DISKS =
  process.platform === 'linux' && process.getuid?.() === 0 ? undefined : 'only root on Linux may mount a disk';

const MEGABYTES = 8;

/** Mounts a disk of a few megabytes, in memory, at a path that is made. */
export function smallDisk(path: string): { path: string; fill(): void } & Disposable {
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${MEGABYTES}m`, 'tmpfs', path]);
  return {
    path,
    /** To the last byte. */
    fill() {
      try {
        for (;;) appendFileSync(join(path, 'fill'), Buffer.alloc(4096));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    },
    // Lazily: what still uses it is ended by others.
    [Symbol.dispose]: () => execFileSync('umount', ['-l', path]),
  };
}
