/**
 * Runs test files, one after the other, in a process that keeps the packages loaded. Modules that depend on the mutated file
 * are loaded anew for each run, under a URL of their own.
 */
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { mock, type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { scope } from './test-scope.ts';

export interface RunRequest {
  readonly test: string;
  /** File with a fault, and its text. */
  readonly mutated?: { readonly file: string; readonly text: string };
  /** Files to load anew, relative to the working directory; default: all. */
  readonly fresh?: readonly string[];
  /** True to report which code was executed. */
  readonly covers?: boolean;
}

export interface RunReply {
  /** Name of the first test that failed. */
  readonly failed?: string;
  readonly coverage?: readonly ScriptCoverage[];
  /** Resident memory of the process. */
  readonly rssBytes: number;
}

export interface ScriptCoverage {
  readonly file: string;
  readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
}

const root = `${process.cwd()}/`;
const rootUrl = pathToFileURL(root).href;
const testModule = new URL('./test-scope.ts', import.meta.url).href;
const stripped = new Map<string, string>();
let current: RunRequest = { test: '' };
let fresh: ReadonlySet<string> | undefined;
let run = 0;

registerHooks({
  resolve(specifier, context, next) {
    const isInTree = context.parentURL?.startsWith(rootUrl);
    if (specifier === 'node:test' && isInTree) return { url: testModule, shortCircuit: true };
    const resolved = next(specifier, context);
    const file = fileOf(resolved.url);
    if (file === undefined || (fresh && !fresh.has(file))) return resolved;
    return { ...resolved, url: `${resolved.url}?run=${run}` };
  },
  load(url, context, next) {
    const file = fileOf(url);
    if (file === undefined) return next(url, context);
    return { format: 'module', source: sourceOf(file), shortCircuit: true };
  },
});

process.on('message', async (request: RunRequest) => {
  run++;
  current = request;
  fresh = request.fresh && new Set(request.fresh);
  const session = request.covers ? await startCoverage() : undefined;
  scope.begin();
  await test(request.test, async (t: TestContext) => {
    await scope.register(t, () => import(pathToFileURL(join(root, request.test)).href));
  });
  mock.reset();
  mock.timers.reset();
  const coverage = session && (await endCoverage(session));
  const reply: RunReply = { failed: scope.failed, coverage, rssBytes: process.memoryUsage.rss() };
  process.send!(reply);
});

/** Path of a TypeScript file of the tree, from its root. */
function fileOf(url: string): string | undefined {
  if (!url.startsWith(rootUrl) || url.includes('/node_modules/')) return undefined;
  const path = fileURLToPath(url.replace(/\?.*$/, ''));
  return path.endsWith('.ts') ? path.slice(root.length) : undefined;
}

function sourceOf(file: string): string {
  if (file === current.mutated?.file) return stripTypeScriptTypes(current.mutated.text);
  const source = stripped.get(file) ?? stripTypeScriptTypes(readFileSync(file, 'utf8'));
  stripped.set(file, source);
  return source;
}

async function startCoverage(): Promise<Session> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  return session;
}

async function endCoverage(session: Session): Promise<ScriptCoverage[]> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  session.disconnect();
  return result.flatMap(({ url, functions }) => {
    const file = fileOf(url);
    if (!file?.startsWith('src/') || !url.endsWith(`?run=${run}`)) return [];
    return [{ file, ranges: functions.flatMap(({ ranges }) => ranges) }];
  });
}
