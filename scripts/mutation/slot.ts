import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A copy of the working tree in which files are mutated. Mutants never touch the tree itself. */
export class Slot {
  readonly root: string;

  /** Copies the files that git knows or could add. Only what differs from the copy of an earlier run is written. */
  constructor(name: string) {
    this.root = join(tmpdir(), `reelvec-mutation-${process.getuid?.() ?? 0}`, name);
    mkdirSync(this.root, { recursive: true });
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      encoding: 'utf8',
    });
    const files = new Set(listed.split('\0').filter((file) => file !== '' && existsSync(file)));
    for (const file of globSync('{bench,bin,deploy,docs,examples,scripts,src,test}/**/*.*', { cwd: this.root })) {
      if (!files.has(file)) rmSync(this.path(file), { recursive: true });
    }
    for (const file of files) {
      const copy = this.path(file);
      if (existsSync(copy) && readFileSync(copy).equals(readFileSync(file))) continue;
      mkdirSync(dirname(copy), { recursive: true });
      copyFileSync(file, copy);
    }
    if (!existsSync(this.path('node_modules')))
      symlinkSync(join(process.cwd(), 'node_modules'), this.path('node_modules'));
  }

  path(file: string): string {
    return join(this.root, file);
  }

  read(file: string): string {
    return readFileSync(this.path(file), 'utf8');
  }

  write(file: string, text: string): void {
    writeFileSync(this.path(file), text);
  }
}
