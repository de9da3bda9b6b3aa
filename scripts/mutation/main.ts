/**
 * Measures which share of small faults in a folder of `src` the tests notice.
 *
 * A seeded sample of mutants is applied one at a time to a copy of the tree, and the tests that execute the changed code run,
 * the nearest first, until one fails. Mutants that the type checker rejects are not counted. Results are kept in a file, so
 * that an interrupted run continues, and `--retry` runs only survivors again.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { basename, dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { Coverage, executes, type TestCoverage } from './coverage.ts';
import { Imports } from './imports.ts';
import type { Mutant } from './mutants.ts';
import { mutatedText, Project, rejectedByTypes } from './project.ts';
import { runTest } from './run-test.ts';
import { Slot } from './slot.ts';
import { WarmRunner } from './warm-runner.ts';

/** Time for a test beside {@link TIMEOUT_FACTOR} times what it takes unchanged. A mutant that needs longer hangs. */
const TIMEOUT_EXTRA_MS = 20_000;
const TIMEOUT_FACTOR = 6;
/** Mutants per run of the type checker. */
const CHECKED_AT_ONCE = 200;
const CACHE = 'node_modules/.cache/mutation';
/** 95 % quantile of the normal distribution, two-sided. */
const Z_95 = 1.96;

interface Result extends Omit<Mutant, 'start' | 'end' | 'atImport'> {
  /** `uncovered`: no test executes the code. `rejected`: by the type checker. */
  readonly status: 'killed' | 'survived' | 'uncovered' | 'rejected';
  /** Test file and test that failed. */
  readonly killedBy?: string;
  /** Number of test files that ran. */
  readonly tests: number;
  /** True if tests were left out because of `--max-tests` or `--near`. */
  readonly isCut?: boolean;
}

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string' },
    count: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    'max-tests': { type: 'string', default: '12' },
    'black-box': { type: 'string', default: '' },
    only: { type: 'string', default: '' },
    near: { type: 'boolean', default: false },
    retry: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const HELP = `npm run test:mutations -- --folder tasks [options]

--folder NAME      folder of src
--count N          mutants that the type checker accepts (default 300)
--seed TEXT        selects the sample (default 1)
--max-tests N      test files that run for one mutant, the nearest of those that execute it (default 12)
--black-box GLOB   also use these tests, such as 'test/{assets,delete}.test.ts'
--only TEXT        run only mutants of files whose path matches the regular expression
--near             only use the folder's own tests; a later run with --retry gives survivors to the others
--retry            run survivors again, for instance after tests were added
--report           print the results so far and run nothing; can be used during a run`;

if (options.help || !options.folder) {
  console.log(HELP);
  process.exit(options.help ? 0 : 1);
}
const { folder, seed } = options;
const count = Number(options.count);
const only = new RegExp(options.only);
const maxTests = Number(options['max-tests']);
const resultFile = `${CACHE}/${folder}-${seed}.json`;
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const results = new Map<string, Result>(
  existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')).map((each: Result) => [each.key, each]) : [],
);
/** Kills by mutated file and test: what killed before goes first. */
const kills = new Map<string, number>();
/** True for mutants that the type checker rejects. */
const checked = new Map<string, boolean>();

const slot = options.report ? Slot.ofWorkingTree() : Slot.copy(`${folder}-${seed}`);
using runner = new WarmRunner(slot);
const imports = new Imports(slot);
const coverage = new Coverage(slot, runner, `${CACHE}/coverage`);
using project = new Project(slot);
const sample = sampleOf(project.mutantsIn(`src/${folder}`));
await (options.report ? undefined : measure());
report();

/** In an order that depends on each mutant alone, so that the sample changes little when the code does. */
function sampleOf(mutants: Mutant[]): Mutant[] {
  const rank = ({ key }: Mutant) => createHash('sha256').update(`${seed} ${key}`).digest('hex');
  return mutants
    .map((mutant) => ({ mutant, rank: rank(mutant) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ mutant }) => mutant);
}

async function measure(): Promise<void> {
  const isUsed = (test: string) => !options.near || test.startsWith(`src/${folder}/`);
  const tests = imports.tests([...new Set(sample.map(({ file }) => file))]).filter(isUsed);
  if (options['black-box']) tests.push(...globSync(options['black-box'], { cwd: slot.root }).toSorted());
  let counted = 0;
  for (const mutant of sample) {
    if (counted >= count) break;
    const known = results.get(mutant.key);
    if (!only.test(mutant.file)) {
      if (known && known.status !== 'rejected') counted++;
      continue;
    }
    const isOpen = known?.status === 'survived' || known?.status === 'uncovered';
    const result = known && !(options.retry && isOpen) ? known : await judge(mutant, tests);
    if (result.status !== 'rejected') counted++;
    if (result.killedBy) {
      const by = `${mutant.file} ${result.killedBy.split(' › ')[0]}`;
      kills.set(by, (kills.get(by) ?? 0) + 1);
    }
    if (result === known) continue;
    results.set(mutant.key, result);
    mkdirSync(dirname(resultFile), { recursive: true });
    writeFileSync(resultFile, JSON.stringify([...results.values()], null, 1));
    if (result.status !== 'rejected') console.log(`${counted} ${describe(result)}`);
  }
}

async function judge(mutant: Mutant, tests: readonly string[]): Promise<Result> {
  const { start: _start, end: _end, atImport: _, ...facts } = mutant;
  const text = slot.read(mutant.file);
  // A mutant that runs again was accepted before.
  if (!results.has(mutant.key) && isRejected(mutant)) return { ...facts, status: 'rejected', tests: 0 };
  const mutated = mutatedText(slot, mutant);
  const fresh = [...imports.dependents([mutant.file])];
  let ran = 0;
  for await (const { test, seconds, isolated } of reaching(mutant, tests)) {
    if (ran === maxTests) return { ...facts, status: 'survived', tests: ran, isCut: true };
    ran++;
    const timeoutMs = TIMEOUT_EXTRA_MS + TIMEOUT_FACTOR * seconds * 1000;
    slot.write(mutant.file, mutated);
    const run = isolated
      ? runTest(slot, test, { timeoutMs, env: { NODE_COMPILE_CACHE: slot.path('.compiled') } })
      : runner.run({ test, fresh, mutated: { file: mutant.file, text: mutated } }, { timeoutMs });
    const { outcome, failed = 'timeout' } = await run.finally(() => slot.write(mutant.file, text));
    if (outcome !== 'passed') return { ...facts, status: 'killed', killedBy: `${test} › ${failed}`, tests: ran };
  }
  return { ...facts, status: ran === 0 ? 'uncovered' : 'survived', tests: ran, isCut: options.near };
}

/** True if the type checker rejects the mutant. Checks the next ones of the sample too. */
function isRejected(mutant: Mutant): boolean {
  if (!checked.has(mutant.key)) {
    const from = sample.indexOf(mutant);
    const block = sample.slice(from, from + CHECKED_AT_ONCE).filter(({ key }) => !results.has(key));
    const rejected = rejectedByTypes(slot, block.filter(isTyped));
    for (const { key } of block) checked.set(key, rejected.has(key));
  }
  return checked.get(mutant.key)!;
}

/** A removed guard often also removes the narrowing of a type, and could be written with a cast. */
function isTyped({ operator }: Mutant): boolean {
  return operator !== 'condition' && operator !== 'optional chain';
}

/** Tests that execute the mutated code: those that killed its neighbours, then the file's own test, then by folder and duration. */
async function* reaching(mutant: Mutant, tests: readonly string[]): AsyncGenerator<TestCoverage> {
  const { file, start, atImport } = mutant;
  const uses = atImport ? project.usesOf(mutant) : [];
  const places = uses.length > 0 ? uses : [{ file, offset: start }];
  const killsBy = (test: string) => kills.get(`${file} ${test}`) ?? 0;
  const order = tests.toSorted(
    (a, b) =>
      killsBy(b) - killsBy(a) || distance(file, a) - distance(file, b) || coverage.secondsOf(a) - coverage.secondsOf(b),
  );
  for (const test of order) {
    const each = await coverage.of(test);
    if (each.passed && places.some((place) => executes(each, place.file, place.offset))) yield each;
  }
}

/** Number of folders between a file and a test; 0 for the file's own tests, `file.test.ts` and `file-topic.test.ts`. */
function distance(file: string, test: string): number {
  if (/^[.-]/.test(test.replace(file.replace(/\.ts$/, ''), ''))) return 0;
  const [from, to] = [dirname(file).split('/'), dirname(test).split('/')];
  const differs = from.findIndex((part, depth) => part !== to[depth]);
  const shared = differs === -1 ? from.length : differs;
  return 1 + from.length + to.length - 2 * shared;
}

function describe({ status, file, line, operator, original, replacement, killedBy, tests, isCut }: Result): string {
  const short = (text: string) => (text.length > 60 ? `${text.slice(0, 57)}…` : text).replaceAll(/\s+/g, ' ');
  const how = killedBy
    ? `by ${basename(killedBy.split(' › ')[0]!)}`
    : `after ${tests} test files${isCut ? ', cut' : ''}`;
  return `${status} ${how}: ${file}:${line} ${operator}: ${short(original)} → ${short(replacement)}`;
}

/** Counts the mutants of today's sample that were measured. */
function report(): void {
  const counted = sample
    .flatMap(({ key, line }) => {
      const result = results.get(key);
      return result && result.status !== 'rejected' ? [{ ...result, line }] : [];
    })
    .slice(0, count);
  const killed = counted.filter(({ status }) => status === 'killed').length;
  for (const result of counted) if (result.status !== 'killed') console.log(describe(result));
  if (counted.length === 0) return;
  const [low, high] = wilson(killed, counted.length);
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  console.log(
    `src/${folder}: ${killed} of ${counted.length} mutants killed, ${percent(killed / counted.length)}` +
      ` (95 % confidence: ${percent(low)} to ${percent(high)}), seed ${seed}, ${sample.length} possible`,
  );
}

/** Wilson's confidence interval of a share. */
function wilson(hits: number, total: number): [number, number] {
  const share = hits / total;
  const spread = Z_95 ** 2 / total;
  const middle = (share + spread / 2) / (1 + spread);
  const half = (Z_95 * Math.sqrt((share * (1 - share)) / total + spread / (4 * total))) / (1 + spread);
  return [middle - half, middle + half];
}
