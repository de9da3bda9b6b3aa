/**
 * Runs the unit tests that need nothing but the processor: `npm run test:fast`. A test file is left out if it, or a file that
 * it imports, loads one of the modules below. Prints each reason and the files that it leaves out.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** Reason to leave a test out, by the module that it loads. Modules of the repository are paths. */
const SLOW_MODULES: Readonly<Record<string, string>> = {
  'node-av': 'decodes media',
  sharp: 'decodes pictures',
  'onnxruntime-node': 'runs models',
  fastify: 'starts a server',
  'test/support/server.ts': 'starts a server',
  'test/support/model-hub.ts': 'starts a server',
  'test/support/s3-server.ts': 'starts a server',
  'test/support/postgres.ts': 'starts PostgreSQL',
  'node:child_process': 'starts processes',
};
/** Imports at run time: of values, and dynamic ones of a literal name. Imports of types alone load nothing. */
const IMPORT = /(?:^|\n)(?:import|export)\s+(?!type\b)(?:[^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]|import\('([^']+)'\)/g;
const TEST_TIMEOUT_MS = 60_000;

const importsByFile = new Map<string, readonly string[]>();
const leftOut = new Map<string, string[]>();
const files: string[] = [];
for (const file of globSync('src/**/*.test.ts').sort()) {
  const reason = slowReason(file);
  if (reason === undefined) files.push(file);
  else leftOut.set(reason, [...(leftOut.get(reason) ?? []), file]);
}

const results = run({ files, concurrency: 2, timeout: TEST_TIMEOUT_MS });
results.on('test:fail', () => {
  process.exitCode = 1;
});
results.compose(spec).pipe(process.stdout);
results.on('end', () => setImmediate(printLeftOut));

function printLeftOut(): void {
  const count = [...leftOut.values()].flat().length;
  console.log(`\n${files.length} test files ran, ${count} of src/ and all of test/ were left out; npm test runs all:`);
  for (const [reason, names] of leftOut) {
    console.log(`  ${reason} (${names.length}):`);
    for (const name of names) console.log(`    ${name}`);
  }
}

/** Reason to leave `file` out, from the first slow module that it reaches. */
function slowReason(file: string): string | undefined {
  const reached = new Set([file]);
  for (const each of reached) {
    const [scope, name] = each.split('/');
    const slow = SLOW_MODULES[each] ?? SLOW_MODULES[each.startsWith('@') ? `${scope}/${name}` : scope!];
    if (slow !== undefined) return slow;
    if (each.endsWith('.ts')) for (const imported of importsOf(each)) reached.add(imported);
  }
  return undefined;
}

function importsOf(file: string): readonly string[] {
  const known = importsByFile.get(file);
  if (known) return known;
  const imports = [...readFileSync(file, 'utf8').matchAll(IMPORT)]
    .map(([, name, dynamic]) => (name ?? dynamic)!)
    .map((name) => (name.startsWith('.') ? normalize(join(dirname(file), name)) : name));
  importsByFile.set(file, imports);
  return imports;
}
