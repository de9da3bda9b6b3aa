import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
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

/** A tree of sources. Mutants are only written to a copy of the working tree. */
export class Slot {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** The working tree itself, to read from. */
  static ofWorkingTree(): Slot {
    return new Slot(process.cwd());
  }

  /**
   * A copy of the working tree, of the files that git knows or could add. Only what differs from the copy of an earlier run is
   * written. Each working tree has copies of its own.
   * @throws if a process that uses the copy is alive
   */
  static copy(name: string): Slot {
    const tree = createHash('sha256').update(process.cwd()).digest('hex').slice(0, 8);
    const slot = new Slot(join(tmpdir(), `reelvec-mutation-${process.getuid?.() ?? 0}`, `${name}-${tree}`));
    mkdirSync(slot.root, { recursive: true });
    slot.#lock();
    slot.#update();
    return slot;
  }

  #update(): void {
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

  /** A second run would overwrite the mutants of the first, which would then count as survivors. */
  #lock(): void {
    const lock = `${this.root}.pid`;
    const pid = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
    if (pid !== 0 && isAlive(pid)) throw new Error(`${this.root} is in use by process ${pid}.`);
    writeFileSync(lock, String(process.pid));
    process.once('exit', () => rmSync(lock, { force: true }));
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

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
