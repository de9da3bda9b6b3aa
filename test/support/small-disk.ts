import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Reason to skip the tests on a small disk; undefined if one can be mounted. */
export const NO_DISKS =
  process.platform === 'linux' && process.getuid?.() === 0 ? undefined : 'only root on Linux may mount a disk';

const MEGABYTES = 8;

/** Mounts an in-memory disk of a few megabytes at a new path. */
export function smallDisk(path: string): { path: string; fill(): void } & Disposable {
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${MEGABYTES}m`, 'tmpfs', path]);
  return {
    path,
    /** Fills the disk to the last byte. */
    fill() {
      try {
        for (;;) appendFileSync(join(path, 'fill'), Buffer.alloc(4096));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    },
    // Lazy unmount: processes that still use it are ended elsewhere.
    [Symbol.dispose]: () => execFileSync('umount', ['-l', path]),
  };
}
