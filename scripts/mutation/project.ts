import { globSync } from 'node:fs';
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import { API } from 'typescript/unstable/sync';
import { type Mutant, mutantsOf } from './mutants.ts';
import type { Slot } from './slot.ts';

/** A place in the source. */
export interface Place {
  readonly file: string;
  readonly offset: number;
}

/** The compiler's view of the slot. */
export class Project implements Disposable {
  readonly #slot: Slot;
  readonly #api: API;
  readonly #config: string;
  #program;

  constructor(slot: Slot) {
    this.#slot = slot;
    this.#api = new API({ cwd: slot.root });
    this.#config = slot.path('tsconfig.json');
    this.#program = this.#update({ openProjects: [this.#config] });
  }

  /** All mutants of the folder's code, without tests, fixtures and contract suites. */
  mutantsIn(folder: string): Mutant[] {
    const files = globSync(`${folder}/**/*.ts`, { cwd: this.#slot.root }).toSorted();
    const code = files.filter((file) => !/\.(test|fixture|contract)\.ts$/.test(file));
    return code.flatMap((file) => mutantsOf(this.#source(file), file));
  }

  /** True if the type checker accepts the file with this text. */
  accepts(file: string, text: string): boolean {
    const path = this.#slot.path(file);
    const original = this.#slot.read(file);
    this.#slot.write(file, text);
    try {
      const program = this.#update({ fileChanges: { changed: [path] } });
      return program.getSyntacticDiagnostics(path).length + program.getSemanticDiagnostics(path).length === 0;
    } finally {
      this.#slot.write(file, original);
      this.#program = this.#update({ fileChanges: { changed: [path] } });
    }
  }

  /**
   * Places inside functions that depend on a value computed at import, followed through other such values.
   * Names are compared as text, so a name that is used twice gives too many places.
   */
  usesOf(mutant: Mutant): Place[] {
    const pending = [...this.#namesAround(mutant.file, mutant.start)];
    const seen = new Set(pending);
    const places: Place[] = [];
    for (const name of pending) {
      for (const file of globSync('src/**/*.ts', { cwd: this.#slot.root })) {
        if (/\.test\.ts$/.test(file)) continue;
        const text = this.#slot.read(file);
        const isKnownHere = file === mutant.file || new RegExp(`import[^;]*\\b${name}\\b[^;]*;`).test(text);
        if (!isKnownHere) continue;
        for (const { index } of text.matchAll(new RegExp(`(?<![\\w.'])${name}\\b`, 'g'))) {
          const inside = this.#namesAround(file, index);
          if (inside.length === 0) places.push({ file, offset: index });
          for (const other of inside) {
            if (seen.has(other)) continue;
            seen.add(other);
            pending.push(other);
          }
        }
      }
    }
    return places;
  }

  [Symbol.dispose](): void {
    this.#api.close();
  }

  #update(change: Parameters<API['updateSnapshot']>[0]) {
    return this.#api.updateSnapshot(change).getProject(this.#config)!.program;
  }

  #source(file: string): SourceFile {
    const source = this.#program.getSourceFile(this.#slot.path(file));
    if (!source) throw new Error(`${file} is not part of ${this.#config}`);
    return source;
  }

  /** Names that the top-level `const` at this offset declares. Empty inside functions and classes. */
  #namesAround(file: string, offset: number): string[] {
    const source = this.#source(file);
    const statement = source.statements.find(({ pos, end }) => pos <= offset && offset < end);
    if (!statement || !is.isVariableStatement(statement) || isInFunction(statement, offset)) return [];
    return statement.declarationList.declarations.flatMap(({ name }) => (is.isIdentifier(name) ? [name.text] : []));
  }
}

function isInFunction(node: Node, offset: number): boolean {
  if (node.pos > offset || offset >= node.end) return false;
  if (node.kind === SyntaxKind.ArrowFunction || is.isFunctionLikeDeclaration(node)) return true;
  return node.forEachChild((child) => isInFunction(child, offset)) ?? false;
}
