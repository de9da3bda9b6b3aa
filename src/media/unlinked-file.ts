import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Unlinked temporary file: the operating system deletes it when the process ends, even by a crash. */
export class UnlinkedFile implements Disposable {
  readonly descriptor: number;

  /**
   * @param use short purpose, part of the temporary folder's name
   * @throws {NodeJS.ErrnoException} if it cannot be created
   */
  constructor(use: string) {
    const folder = mkdtempSync(join(tmpdir(), `reelvec-${use}-`));
    try {
      this.descriptor = openSync(join(folder, 'output'), 'w+');
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.descriptor);
  }
}
