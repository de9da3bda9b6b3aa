import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary file without a name: it goes with the process, however that ends. */
export class NamelessFile implements Disposable {
  readonly descriptor: number;

  /**
   * @param use what it is for, in a word
   * @throws {NodeJS.ErrnoException} where it cannot be made
   */
  constructor(use: string) {
    const folder = mkdtempSync(join(tmpdir(), `reelvec-${use}-`));
    try {
      this.descriptor = openSync(join(folder, 'nameless'), 'w+');
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.descriptor);
  }
}
