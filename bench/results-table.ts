/**
 * The table of RESULTS.md, made from results.json. Run as a program (`npm run bench:table`) it writes the table; a test
 * compares the two.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Result {
  readonly area: string;
  readonly measure: string;
  /** Empty if there is none. */
  readonly target: string;
  readonly figure: string;
  /** Null if there is no target. */
  readonly met: boolean | null;
  /** A command, or a phrase that names the method. */
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  /** `quiet` if nothing else ran on the machine, `busy` if other work did, null if that was not recorded. */
  readonly load: string | null;
}

const DOCUMENT = join(import.meta.dirname, 'RESULTS.md');
const HEAD =
  '| | Measure | Target | Figure | Command | Date | Machine |\n| --- | --- | --- | --- | --- | --- | --- |\n';
const TABLE = new RegExp(`${RegExp.escape(HEAD)}(?:\\|.*\\n)*`);

/** RESULTS.md with the table of results.json. @throws Error if it has no table */
export function updatedDocument(): { current: string; updated: string } {
  const { results } = JSON.parse(readFileSync(join(import.meta.dirname, 'results.json'), 'utf8')) as {
    results: readonly Result[];
  };
  const rows = results.map((result, i) => row(result, results[i - 1]?.area));
  const current = readFileSync(DOCUMENT, 'utf8');
  if (!TABLE.test(current)) throw new Error(`${DOCUMENT} has no table with the head:\n${HEAD}`);
  return { current, updated: current.replace(TABLE, () => HEAD + rows.join('')) };
}

/** The area is shown at its first row only. */
function row({ area, measure, target, figure, met, command, date, load }: Result, areaBefore?: string): string {
  const isCommand = /^(npm|node) /.test(command);
  const cells = [
    area === areaBefore ? '' : area,
    measure,
    target || '–',
    `**${figure}**${met === false ? ', missed' : ''}`,
    isCommand ? `\`${command}\`` : command,
    date,
    load ?? '–',
  ];
  return `| ${cells.join(' | ')} |\n`;
}

if (import.meta.main) writeFileSync(DOCUMENT, updatedDocument().updated);
