import { readFileSync } from 'node:fs';

/** Of reelvec, as its package says. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}
