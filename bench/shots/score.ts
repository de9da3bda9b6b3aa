/**
 * Scores the shot detector on composed films and on the shared clips: boundaries found, by kind, and false alarms.
 *
 * Arguments select films: `tuning`, `report`, `recordings` (or `tuning-recordings`, `report-recordings`) and `shared`; all
 * of them by default. `--list` names each missed boundary and each false alarm. Two more run only when named: `variants`
 * scores modified tuning films, and `ablation` prints a table of scores with each rule disabled.
 */
import { checkTargets, percent } from '../report.ts';
import { printAblation } from './ablation.ts';
import { composedFilms, composedRecordings, sharedClips } from './corpus.ts';
import type { Truth } from './film.ts';
import { SERIES } from './films.ts';
import { RECORDING_KINDS } from './recordings/recordings.ts';
import { f1Of, isHard, type LabelledFilm, type ScoredFilm, scoreFilm } from './scoring.ts';
import { VARIANTS } from './variants.ts';

const COMPOSED = { f1: 0.96, hard: 0.95, gradual: 0.9, falseAlarms: 1 };
const SHARED = { f1: 0.99, hard: 1, gradual: 0.75, falseAlarms: Number.POSITIVE_INFINITY };

const isListed = process.argv.includes('--list');
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const isAsked = (name: string) => asked.length === 0 || asked.includes(name);

for (const split of ['tuning', 'report'] as const) {
  if (!isAsked(split)) continue;
  for (const series of SERIES) {
    const films = scoreAll(await composedFilms(split, series));
    if (series === 'kinds') for (const film of films) summarise(film.name, [film]);
    report(`${split}, ${series}`, films, COMPOSED);
  }
}
for (const split of ['tuning', 'report'] as const) {
  if (!isAsked('recordings') && !asked.includes(`${split}-recordings`)) continue;
  const films = (await composedRecordings(split)).map((film) => ({ kind: film.kind, ...scoreFilm(film) }));
  for (const kind of RECORDING_KINDS)
    summarise(
      `${split}, ${kind}`,
      films.filter((film) => film.kind === kind),
    );
  report(`${split}, recordings`, films, COMPOSED);
}
if (isAsked('shared')) report('shared clips', scoreAll(sharedClips()), SHARED);
if (asked.includes('variants')) {
  for (const series of SERIES) {
    const films = await composedFilms('tuning', series);
    for (const [name, variant] of Object.entries(VARIANTS))
      summarise(`${series}, ${name}`, scoreAll(films.map((film) => ({ name: film.name, ...variant(film) }))));
  }
}
if (asked.includes('ablation')) await printAblation();

function scoreAll(films: readonly LabelledFilm[]): ScoredFilm[] {
  return films.map((film) => scoreFilm(film));
}

function report(name: string, films: readonly ScoredFilm[], target: typeof COMPOSED): void {
  if (isListed) for (const film of films) list(film);
  const found = films.flatMap((film) => film.found);
  const missed = films.flatMap((film) => film.missed);
  const alarms = films.flatMap((film) => film.causes);
  const kinds = [...new Set([...found, ...missed].map(({ kind }) => kind))].sort();
  const of = (one: readonly Truth[], what: (truth: Truth) => boolean) => one.filter(what).length;
  /** 1 if there are no boundaries of that kind. */
  const recall = (what: (truth: Truth) => boolean) => {
    const lost = of(missed, what);
    return lost === 0 ? 1 : of(found, what) / (of(found, what) + lost);
  };
  const minutes = minutesOf(films);
  console.log(
    `${name}: ${films.length} films, ${minutes.toFixed(1)} minutes, ${found.length + missed.length} boundaries`,
  );
  for (const kind of kinds) {
    const isKind = (truth: Truth) => truth.kind === kind;
    console.log(`       ${kind}: ${of(found, isKind)} of ${of(found, isKind) + of(missed, isKind)}`);
  }
  for (const cause of [...new Set(alarms)].sort())
    console.log(`       false alarms, ${cause}: ${alarms.filter((other) => other === cause).length}`);
  const f1 = f1Of(films);
  const perTwoMinutes = (2 * alarms.length) / minutes;
  checkTargets([
    { what: `${name}: F1`, got: percent(f1), want: `≥ ${percent(target.f1)}`, met: f1 >= target.f1 },
    atLeast(`${name}: cuts found`, recall(isHard), target.hard),
    atLeast(
      `${name}: gradual transitions found`,
      recall((truth) => !isHard(truth)),
      target.gradual,
    ),
    {
      what: `${name}: false alarms in two minutes`,
      got: perTwoMinutes.toFixed(2),
      want: `≤ ${target.falseAlarms}`,
      met: perTwoMinutes <= target.falseAlarms,
    },
  ]);
}

function summarise(name: string, films: readonly ScoredFilm[]): void {
  const [found, missed] = [films.flatMap((film) => film.found), films.flatMap((film) => film.missed)];
  const alarms = films.flatMap((film) => film.falseAlarms);
  const cuts = missed.filter(isHard).length;
  console.log(
    `       ${name}: F1 ${percent(f1Of(films))}, found ${found.length} of ${found.length + missed.length}, missed ` +
      `${cuts} cuts and ${missed.length - cuts} gradual, ${alarms.length} false alarms in ${minutesOf(films).toFixed(1)} minutes`,
  );
}

function minutesOf(films: readonly ScoredFilm[]): number {
  return films.reduce((sum, { durationSec }) => sum + durationSec, 0) / 60;
}

function atLeast(what: string, share: number, least: number) {
  return { what, got: percent(share), want: `≥ ${percent(least)}`, met: share >= least };
}

function list({ name, missed, falseAlarms, causes }: ScoredFilm): void {
  for (const { kind, start, end } of missed) console.log(`       ${name} ${start}–${end}: ${kind} missed`);
  falseAlarms.forEach(({ startFrame, frame, endFrame, transition }, i) => {
    console.log(`       ${name} ${frame} (${startFrame}–${endFrame}): false ${transition}, ${causes[i]}`);
  });
}
