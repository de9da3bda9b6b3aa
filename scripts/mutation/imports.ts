import { existsSync, globSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Slot } from './slot.ts';

/** The imports between the files of `src` and `test`. */
export class Imports {
  readonly #importers = new Map<string, string[]>();
  readonly #tests: readonly string[];

  constructor(slot: Slot) {
    const files = globSync('{src,test}/**/*.ts', { cwd: slot.root }).toSorted();
    this.#tests = files.filter((file) => /^src\/.*\.test\.ts$/.test(file));
    for (const file of files) {
      for (const [, path] of slot.read(file).matchAll(/(?:from\s+|import\s*\(?|new URL\(\s*)['"](\.[^'"]+\.ts)['"]/g)) {
        const target = normalize(join(dirname(file), path!));
        if (existsSync(slot.path(target))) this.#importers.set(target, [...(this.#importers.get(target) ?? []), file]);
      }
    }
  }

  /** The files and all that import them, directly or not. */
  dependents(files: readonly string[]): Set<string> {
    const found = new Set(files);
    for (const file of found) for (const importer of this.#importers.get(file) ?? []) found.add(importer);
    return found;
  }

  /** Tests in `src` that import one of the files, directly or not. */
  tests(files: readonly string[]): string[] {
    const dependents = this.dependents(files);
    return this.#tests.filter((test) => dependents.has(test));
  }
}
