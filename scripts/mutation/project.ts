import { globSync, rmSync } from 'node:fs';
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
  readonly #program;
  readonly #code: readonly string[];

  constructor(slot: Slot) {
    this.#slot = slot;
    this.#api = new API({ cwd: slot.root });
    this.#config = slot.path('tsconfig.json');
    this.#program = this.#api.updateSnapshot({ openProjects: [this.#config] }).getProject(this.#config)!.program;
    this.#code = globSync('src/**/*.ts', { cwd: slot.root }).filter((file) => !file.endsWith('.test.ts'));
  }

  /** All mutants of the folder's code, without tests, fixtures and contract suites. */
  mutantsIn(folder: string): Mutant[] {
    const files = globSync(`${folder}/**/*.ts`, { cwd: this.#slot.root }).toSorted();
    const code = files.filter((file) => !/\.(test|fixture|contract)\.ts$/.test(file));
    return code.flatMap((file) => mutantsOf(this.#source(file), file));
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
      for (const file of this.#code) {
        const text = this.#source(file).text;
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

/**
 * The mutants that the type checker rejects. Each is written beside the original, as a file of its own, so that one run of the
 * checker suffices for all.
 */
export function rejectedByTypes(slot: Slot, mutants: readonly Mutant[]): Set<string> {
  const copies = mutants.map((mutant) => ({ mutant, copy: mutant.file.replace(/\.ts$/, `.mutant-${mutant.key}.ts`) }));
  try {
    for (const { mutant, copy } of copies) slot.write(copy, mutatedText(slot, mutant));
    using api = closing(new API({ cwd: slot.root }));
    const config = slot.path('tsconfig.json');
    const { program } = api.updateSnapshot({ openProjects: [config] }).getProject(config)!;
    const isRejected = ({ copy }: { copy: string }) =>
      program.getSyntacticDiagnostics(slot.path(copy)).length + program.getSemanticDiagnostics(slot.path(copy)).length >
      0;
    return new Set(copies.filter(isRejected).map(({ mutant }) => mutant.key));
  } finally {
    for (const { copy } of copies) rmSync(slot.path(copy), { force: true });
  }
}

export function mutatedText(slot: Slot, { file, start, end, replacement }: Mutant): string {
  const text = slot.read(file);
  return text.slice(0, start) + replacement + text.slice(end);
}

function closing(api: API): API & Disposable {
  return Object.assign(api, { [Symbol.dispose]: () => api.close() });
}

function isInFunction(node: Node, offset: number): boolean {
  if (node.pos > offset || offset >= node.end) return false;
  if (node.kind === SyntaxKind.ArrowFunction || is.isFunctionLikeDeclaration(node)) return true;
  return node.forEachChild((child) => isInFunction(child, offset)) ?? false;
}
