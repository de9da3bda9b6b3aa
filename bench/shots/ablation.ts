import { isDeepStrictEqual } from 'node:util';
import { RULES, type Rules } from '../../src/segment/rules.ts';
import { ABLATIONS, type RuleName, without } from '../../test/support/rule-ablations.ts';
import { composedFilms, composedRecordings } from './corpus.ts';
import { SERIES } from './films.ts';
import { f1Of, type LabelledFilm, type ScoredFilm, scoreFilm } from './scoring.ts';
import { VARIANTS } from './variants.ts';

/** Prints F1 and false alarms of each set of films with all rules, and then without each one. */
export async function printAblation(): Promise<void> {
  const sets = await filmSets();
  const names = ['all rules', ...Object.keys(ABLATIONS)];
  const rules = [RULES, ...(Object.keys(ABLATIONS) as RuleName[]).map(without)];
  const columns = Object.values(sets).map((films) => scoreWith(films, rules));
  const width = Math.max(...names.map((name) => name.length));
  console.log(
    `${'without'.padEnd(width)}  ${Object.keys(sets)
      .map((set) => set.padEnd(22))
      .join('')}`,
  );
  names.forEach((name, row) => {
    const cells = columns.map((column) => cell(column[row]!, column[0]!).padEnd(22));
    console.log(`${name.padEnd(width)}  ${cells.join('')}`.trimEnd());
  });
}

/** The films by set. The variants of all tuning films would take seven times as long, so each film has one, in turn. */
async function filmSets(): Promise<Readonly<Record<string, LabelledFilm[]>>> {
  const films = async (split: 'tuning' | 'report') =>
    (await Promise.all(SERIES.map((series) => composedFilms(split, series)))).flat();
  const tuning = await films('tuning');
  const variants = Object.values(VARIANTS);
  return {
    tuning,
    report: await films('report'),
    recordings: [...(await composedRecordings('tuning')), ...(await composedRecordings('report'))],
    variants: tuning.map((film, i) => ({ name: film.name, ...variants[i % variants.length]!(film) })),
  };
}

/** Scores of all films, for each set of rules. Each film's pictures are read once. */
export function scoreWith(films: readonly LabelledFilm[], rules: readonly Rules[]): ScoredFilm[][] {
  const scores: ScoredFilm[][] = rules.map(() => []);
  for (const film of films) {
    const pictures = Array.from(film.pictures(), (picture) => ({ ...picture, data: picture.data.slice() }));
    for (const [i, each] of rules.entries()) scores[i]!.push(scoreFilm({ ...film, pictures: () => pictures }, each));
  }
  return scores;
}

/** F1 in percent and number of false alarms, with the difference to `all`; `=` if every boundary is the same. */
function cell(films: readonly ScoredFilm[], all: readonly ScoredFilm[]): string {
  const f1 = (each: readonly ScoredFilm[]) => 100 * f1Of(each);
  const alarms = (each: readonly ScoredFilm[]) => each.reduce((sum, { falseAlarms }) => sum + falseAlarms.length, 0);
  if (films === all) return `${f1(all).toFixed(2)}  ${alarms(all)}`;
  if (isDeepStrictEqual(films, all)) return '=';
  const signed = (value: number, digits: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
  return `${signed(f1(films) - f1(all), 2)}  ${signed(alarms(films) - alarms(all), 0)}`;
}
