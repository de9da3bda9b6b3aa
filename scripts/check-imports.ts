/**
 * Fails on an import that points up the list of layers below, and on an import cycle. The list is the architecture: a
 * layer knows nothing of those above it.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const LAYERS = [
  'cli.ts',
  'commands',
  'start',
  'app.ts',
  'api',
  'retention',
  'webhooks',
  'queries',
  'tasks',
  'assets',
  'sources',
  'pipeline',
  'encode',
  'segment',
  'transcribe',
  'models',
  'workers',
  'media',
  'jobs',
  'quotas',
  'idempotency',
  'keys',
  'blobs',
  'http',
  'database',
  'observe',
  'config.ts',
  'settings',
  'machine-memory.ts',
  'code-cache.ts',
  'setup-error.ts',
  'make-folder.ts',
  'exclusive-lock.ts',
  'errors.ts',
  'domain',
];

/** Tests may import anything. */
const files = globSync('src/**/*.ts').filter((file) => !file.endsWith('.test.ts'));
const imports = new Map(files.map((file) => [file, importsOf(file)]));
const faults = [...upward(), ...cycles()];
for (const fault of faults) console.error(fault);
console.log(`${files.length} files, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;

function importsOf(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  const pattern = /(?:^|\n)\s*(?:import|export)\s+[^;'"]*?from\s+['"](\.[^'"]+)['"]|import\(['"](\.[^'"]+)['"]\)/g;
  return [...source.matchAll(pattern)].map(([, from, dynamic]) => normalize(join(dirname(file), (from ?? dynamic)!)));
}

function layerOf(file: string): number {
  const name = file.split('/')[1]!;
  const layer = LAYERS.indexOf(name);
  if (layer === -1) throw new Error(`${file}: "${name}" is not in the list of layers`);
  return layer;
}

function* upward(): Generator<string> {
  for (const [file, targets] of imports) {
    for (const target of targets) {
      if (layerOf(target) < layerOf(file)) yield `${file} imports ${target}, which is in a higher layer`;
    }
  }
}

/** Imports of types count too: files that need each other's types are one idea in two places. */
function* cycles(): Generator<string> {
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  function* visit(file: string): Generator<string> {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      yield `cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`;
      return;
    }
    state.set(file, 'open');
    path.push(file);
    for (const target of imports.get(file) ?? []) yield* visit(target);
    path.pop();
    state.set(file, 'done');
  }
  for (const file of files) yield* visit(file);
}
