import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTest } from './run-test.ts';
import type { Slot } from './slot.ts';
import type { WarmRunner } from './warm-runner.ts';
import type { ScriptCoverage } from './worker.ts';

const TIMEOUT_MS = 300_000;

/** Executed parts of a file: offsets at which execution begins and ends, alternating. */
type Executed = readonly number[];

export interface TestCoverage {
  readonly test: string;
  readonly seconds: number;
  readonly passed: boolean;
  /** True if the test passes only in a process of its own. */
  readonly isolated: boolean;
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
  readonly #runner: WarmRunner;
  readonly #folder: string;
  readonly #known = new Map<string, TestCoverage>();

  constructor(slot: Slot, runner: WarmRunner, folder: string) {
    this.#slot = slot;
    this.#runner = runner;
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  async of(test: string): Promise<TestCoverage> {
    const coverage = this.#known.get(test) ?? this.#read(test) ?? (await measure(this.#slot, this.#runner, test));
    if (!this.#known.has(test)) writeFileSync(this.#file(test), JSON.stringify(coverage));
    this.#known.set(test, coverage);
    return coverage;
  }

  /** Duration of a test whose coverage is known; otherwise 0. */
  secondsOf(test: string): number {
    return this.#known.get(test)?.seconds ?? 0;
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

async function measure(slot: Slot, runner: WarmRunner, test: string): Promise<TestCoverage> {
  const warm = await runner.run({ test, covers: true }, { timeoutMs: TIMEOUT_MS });
  const isolated = warm.outcome !== 'passed';
  const { outcome, seconds, coverage } = isolated ? await measureIsolated(slot, test) : warm;
  console.log(`coverage of ${test}: ${seconds.toFixed(1)} s${outcome === 'passed' ? '' : ', fails and is not used'}`);
  const painted = new Map<string, Uint8Array>();
  for (const { file, ranges } of coverage ?? []) {
    const all = painted.get(file) ?? new Uint8Array(slot.read(file).length);
    paint(ranges, all.length).forEach((value, offset) => {
      all[offset] ||= value;
    });
    painted.set(file, all);
  }
  const files = Object.fromEntries([...painted].map(([file, all]) => [file, edges(all)]));
  const hash = hashOf(slot, test, Object.keys(files));
  return { test, seconds, passed: outcome === 'passed', isolated, hash, files };
}

async function measureIsolated(slot: Slot, test: string) {
  const folder = slot.path('.coverage');
  rmSync(folder, { recursive: true, force: true });
  // Functions from the compile cache have no exact coverage.
  const env = { NODE_V8_COVERAGE: folder, NODE_DISABLE_COMPILE_CACHE: '1' };
  const run = await runTest(slot, test, { timeoutMs: TIMEOUT_MS, env });
  const reports = globSync('*.json', { cwd: folder }).map((report) => join(folder, report));
  const coverage = reports.flatMap((report) => [...readReport(slot, report)]);
  rmSync(folder, { recursive: true, force: true });
  return { ...run, coverage };
}

/** Coverage that Node wrote for one process. */
function* readReport(slot: Slot, path: string): Generator<ScriptCoverage> {
  const { result } = JSON.parse(readFileSync(path, 'utf8'));
  const root = `${slot.root}/`;
  for (const { url, functions } of result) {
    if (!url.startsWith(`file://${root}src/`)) continue;
    const file = fileURLToPath(url.replace(/[?#].*$/, '')).slice(root.length);
    if (file.endsWith('.ts')) yield { file, ranges: functions.flatMap(({ ranges }: ScriptCoverage) => ranges) };
  }
}

/** Ranges are nested; the innermost one counts. */
function paint(ranges: ScriptCoverage['ranges'], length: number): Uint8Array {
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
