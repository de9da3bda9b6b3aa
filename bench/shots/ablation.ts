import { isDeepStrictEqual } from 'node:util';
import { RULES } from '../../src/segment/rules.ts';
import { ABLATIONS, type RuleName, without } from '../../test/support/rule-ablations.ts';
import { composedFilms, composedRecordings, sharedClips } from './corpus.ts';
import { detectUnder } from './detections.ts';
import { SERIES } from './films.ts';
import { f1Of, type LabelledFilm, type ScoredFilm, scoreFilm } from './scoring.ts';
import { VARIANTS } from './variants.ts';

/**
 * Prints a Markdown table of F1 and false alarms of each set of films, first with all rules, then without each one.
 *
 * Takes about a minute of processor time for each rule. Detections are cached, so that an interrupted run continues.
 */
export async function printAblation(): Promise<void> {
  const sets = await filmSets();
  const rules = [RULES, ...(Object.keys(ABLATIONS) as RuleName[]).map(without)];
  const columns = Object.entries(sets).map(([set, films]) => scoreUnder(set, films, rules));
  const line = (cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`);
  line(['Without', ...Object.keys(sets)]);
  line(['---', ...columns.map(() => '---')]);
  ['(all rules)', ...Object.keys(ABLATIONS)].forEach((name, row) => {
    line([name, ...columns.map((column) => cell(column[row]!, column[0]!))]);
  });
}

/** The films by set. The variants of all tuning films would take seven times as long, so each film has one, in turn. */
async function filmSets(): Promise<Readonly<Record<string, readonly LabelledFilm[]>>> {
  const films = async (split: 'tuning' | 'report') =>
    (await Promise.all(SERIES.map((series) => composedFilms(split, series)))).flat();
  const tuning = await films('tuning');
  const variants = Object.entries(VARIANTS);
  return {
    tuning,
    report: await films('report'),
    recordings: [...(await composedRecordings('tuning')), ...(await composedRecordings('report'))],
    'shared clips': sharedClips(),
    variants: tuning.map((film, i) => {
      const [name, variant] = variants[i % variants.length]!;
      return { name: `${film.name}, ${name}`, ...variant(film) };
    }),
  };
}

/** Scores of all films, for each set of rules. Reports progress to the standard error output. */
function scoreUnder(set: string, films: readonly LabelledFilm[], rules: Parameters<typeof detectUnder>[1]) {
  const scores: ScoredFilm[][] = rules.map(() => []);
  films.forEach((film, i) => {
    detectUnder(film, rules).forEach((detection, row) => {
      scores[row]!.push(scoreFilm(film, detection));
    });
    console.error(`${set}: ${i + 1} of ${films.length} films`);
  });
  return scores;
}

/** F1 in percent and number of false alarms, with the difference to `all`; `=` if every boundary is the same. */
function cell(films: readonly ScoredFilm[], all: readonly ScoredFilm[]): string {
  const f1 = (each: readonly ScoredFilm[]) => 100 * f1Of(each);
  const alarms = (each: readonly ScoredFilm[]) => each.reduce((sum, { falseAlarms }) => sum + falseAlarms.length, 0);
  if (films === all) return `${f1(all).toFixed(2)}, ${alarms(all)}`;
  if (isDeepStrictEqual(films, all)) return '=';
  const signed = (value: number, digits: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
  return `${signed(f1(films) - f1(all), 2)}, ${signed(alarms(films) - alarms(all), 0)}`;
}
