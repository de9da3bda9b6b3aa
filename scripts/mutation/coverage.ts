import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTest } from './run-test.ts';
import type { Slot } from './slot.ts';

const TIMEOUT_MS = 300_000;

/** Executed parts of a file: offsets at which execution begins and ends, alternating. */
type Executed = readonly number[];

export interface TestCoverage {
  readonly test: string;
  readonly seconds: number;
  readonly passed: boolean;
  /** Hash of the test and of every file of `src` that it loaded. */
  readonly hash: string;
  readonly files: Readonly<Record<string, Executed>>;
}

/** True if the test executed the code at this offset. */
export function executes(coverage: TestCoverage, file: string, offset: number): boolean {
  const executed = coverage.files[file];
  return executed !== undefined && executed.findLastIndex((edge) => edge <= offset) % 2 === 0;
}

/** Coverage of tests, measured when first asked for and kept in a folder until a file that the test loads changes. */
export class Coverage {
  readonly #slot: Slot;
  readonly #folder: string;
  readonly #known = new Map<string, TestCoverage>();

  constructor(slot: Slot, folder: string) {
    this.#slot = slot;
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  async of(test: string): Promise<TestCoverage> {
    const coverage = this.#known.get(test) ?? this.#read(test) ?? (await measure(this.#slot, test));
    if (!this.#known.has(test)) writeFileSync(this.#file(test), JSON.stringify(coverage));
    this.#known.set(test, coverage);
    return coverage;
  }

  #read(test: string): TestCoverage | undefined {
    if (!existsSync(this.#file(test))) return undefined;
    const coverage: TestCoverage = JSON.parse(readFileSync(this.#file(test), 'utf8'));
    return hashOf(this.#slot, test, Object.keys(coverage.files)) === coverage.hash ? coverage : undefined;
  }

  #file(test: string): string {
    return join(this.#folder, `${test.replaceAll('/', '+')}.json`);
  }
}

async function measure(slot: Slot, test: string): Promise<TestCoverage> {
  const folder = slot.path('.coverage');
  rmSync(folder, { recursive: true, force: true });
  // Functions from the compile cache have no exact coverage.
  const env = { NODE_V8_COVERAGE: folder, NODE_DISABLE_COMPILE_CACHE: '1' };
  const { outcome, seconds } = await runTest(slot, test, { timeoutMs: TIMEOUT_MS, env });
  const painted = new Map<string, Uint8Array>();
  for (const report of globSync('*.json', { cwd: folder })) {
    for (const [file, ranges] of readReport(slot, join(folder, report))) {
      const text = slot.read(file);
      const all = painted.get(file) ?? new Uint8Array(text.length);
      paint(ranges, text.length).forEach((value, offset) => {
        all[offset] ||= value;
      });
      painted.set(file, all);
    }
  }
  rmSync(folder, { recursive: true, force: true });
  console.log(`coverage of ${test}: ${seconds.toFixed(1)} s${outcome === 'passed' ? '' : ', fails and is not used'}`);
  const files = Object.fromEntries([...painted].map(([file, all]) => [file, edges(all)]));
  return { test, seconds, passed: outcome === 'passed', hash: hashOf(slot, test, Object.keys(files)), files };
}

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

function* readReport(slot: Slot, path: string): Generator<[string, Range[]]> {
  const { result } = JSON.parse(readFileSync(path, 'utf8'));
  const root = `${slot.root}/`;
  for (const { url, functions } of result) {
    if (!url.startsWith(`file://${root}src/`)) continue;
    const file = fileURLToPath(url.replace(/[?#].*$/, '')).slice(root.length);
    if (file.endsWith('.ts')) yield [file, functions.flatMap(({ ranges }: { ranges: Range[] }) => ranges)];
  }
}

/** Ranges are nested; the innermost one counts. */
function paint(ranges: Range[], length: number): Uint8Array {
  const painted = new Uint8Array(length);
  const outerFirst = ranges.toSorted((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  for (const { startOffset, endOffset, count } of outerFirst) painted.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return painted;
}

function edges(painted: Uint8Array): number[] {
  const found: number[] = [];
  painted.forEach((value, offset) => {
    if (value !== (painted[offset - 1] ?? 0)) found.push(offset);
  });
  if (found.length % 2 === 1) found.push(painted.length);
  return found;
}

function hashOf(slot: Slot, test: string, files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of [test, ...files.toSorted()]) {
    hash.update(existsSync(slot.path(file)) ? slot.read(file) : 'missing').update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

/** Tests in `src` whose imports lead to a file of the folder. */
export function testsImporting(slot: Slot, folder: string): string[] {
  const imports = new Map<string, readonly string[]>();
  const importsOf = (file: string): readonly string[] => {
    const pattern = /(?:from\s+|import\s*\(?|new URL\(\s*)['"](\.[^'"]+\.ts)['"]/g;
    const known =
      imports.get(file) ??
      [...slot.read(file).matchAll(pattern)]
        .map(([, path]) => normalize(join(dirname(file), path!)))
        .filter((path) => existsSync(slot.path(path)));
    imports.set(file, known);
    return known;
  };
  const reaches = (test: string) => {
    const seen = new Set([test]);
    for (const file of seen) for (const next of importsOf(file)) seen.add(next);
    return seen.values().some((file) => file.startsWith(`${folder}/`) && !file.endsWith('.test.ts'));
  };
  return globSync('src/**/*.test.ts', { cwd: slot.root }).filter(reaches).toSorted();
}
