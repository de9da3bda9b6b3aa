import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rules } from '../../src/segment/rules.ts';
import { OUT_DIR } from './out.ts';
import { type Detection, detectFilm, type LabelledFilm } from './scoring.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Version of the code that detections depend on, besides the rules and the composed films. */
const CODE_VERSION = hashOf(
  ['src/segment/*.ts', 'bench/shots/variants.ts']
    .flatMap((pattern) => globSync(pattern, { cwd: ROOT }).toSorted())
    .filter((path) => !path.endsWith('.test.ts') && path !== 'src/segment/rules.ts')
    .map((path) => readFileSync(join(ROOT, path), 'utf8'))
    .join(''),
);

/**
 * Detections of a film under several sets of rules, cached in `OUT_DIR` by film name, rules and version of the code. An
 * interrupted run continues, and one more set of rules costs one more detection. Pictures are read once, and only if a
 * detection is missing.
 */
export function detectUnder(film: LabelledFilm, rules: readonly Rules[]): Detection[] {
  const folder = join(OUT_DIR, 'detections', CODE_VERSION);
  const path = join(folder, `${film.name}.json`);
  const known: Record<string, Detection> = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  const keyed = rules.map((each) => ({ key: hashOf(JSON.stringify(each)), rules: each }));
  const missing = keyed.filter(({ key }) => !known[key]);
  if (missing.length > 0) {
    const pictures = Array.from(film.pictures(), (picture) => ({ ...picture, data: picture.data.slice() }));
    for (const each of missing) known[each.key] = detectFilm(pictures, each.rules);
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${path}.unfinished`, JSON.stringify(known));
    renameSync(`${path}.unfinished`, path);
  }
  return keyed.map(({ key }) => known[key]!);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
