/**
 * How many of the boundaries in the composed films and in the shared clips are found, by kind, and what is reported
 * beside them. `--list` also names each one that is missed, and each false alarm. `tuning`, `report`, `recordings`
 * and `shared` pick some of the films; `variants`, never done unasked, is the tuning films as they might have been.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type ShotBoundary, ShotDetector } from '../../src/segment/shots.ts';
import { mediaFiles } from '../media.ts';
import { checkTargets, percent } from '../report.ts';
import { composeFilms, composeRecordings } from './compose.ts';
import type { Truth } from './film.ts';
import { filesOf, type Recipe, recipes, SERIES } from './films.ts';
import { RECORDING_KINDS, type RecordingRecipe, recordingFiles, recordings } from './recordings/recordings.ts';
import { causeOf, isHard, type Outcome, score } from './scoring.ts';
import { smallPictures } from './small.ts';
import { type SmallFilm, VARIANTS } from './variants.ts';

const COMPOSED = { f1: 0.96, hard: 0.95, gradual: 0.9, falseAlarms: 1 };
const SHARED = { f1: 0.99, hard: 1, gradual: 0.75, falseAlarms: Number.POSITIVE_INFINITY };

interface Scored extends Outcome {
  readonly name: string;
  readonly durationSec: number;
  readonly causes: readonly string[];
}

const isListed = process.argv.includes('--list');
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const isAsked = (name: string) => asked.length === 0 || asked.includes(name);

for (const split of ['tuning', 'report'] as const) {
  if (!isAsked(split)) continue;
  await composeFilms(split);
  for (const series of SERIES) {
    const films = recipes(split, series).map((recipe) => scoreFilm(recipe.name, composed(recipe)));
    if (series === 'kinds') for (const film of films) summarise(film.name, [film]);
    report(`${split}, ${series}`, films, COMPOSED);
  }
}
for (const split of ['tuning', 'report'] as const) {
  if (!isAsked('recordings') && !asked.includes(`${split}-recordings`)) continue;
  await composeRecordings(split);
  const films = recordings(split).map((recipe) => ({ recipe, film: scoreFilm(recipe.name, recorded(recipe)) }));
  for (const kind of RECORDING_KINDS)
    summarise(
      `${split}, ${kind}`,
      films.filter(({ recipe }) => recipe.kind === kind).map(({ film }) => film),
    );
  report(
    `${split}, recordings`,
    films.map(({ film }) => film),
    COMPOSED,
  );
}
if (isAsked('shared')) report('shared clips', sharedClips(), SHARED);
if (asked.includes('variants')) {
  await composeFilms('tuning');
  for (const series of SERIES) {
    for (const [name, variant] of Object.entries(VARIANTS))
      summarise(
        `${series}, ${name}`,
        recipes('tuning', series).map((recipe) => scoreFilm(recipe.name, variant(composed(recipe)))),
      );
  }
}

function composed(recipe: Recipe): SmallFilm {
  const { film, truth } = filesOf(recipe);
  return { ...JSON.parse(readFileSync(truth, 'utf8')), pictures: () => smallPictures(film) };
}

function recorded(recipe: RecordingRecipe): SmallFilm {
  const { film, truth } = recordingFiles(recipe);
  return { ...JSON.parse(readFileSync(truth, 'utf8')), pictures: () => smallPictures(film) };
}

function sharedClips(): Scored[] {
  return mediaFiles('video', /\.cuts\.csv$/).map((path) => {
    const name = basename(path, '.cuts.csv');
    const [film] = mediaFiles('video', /\.(mp4|webm|ts)$/).filter((file) => basename(file).startsWith(`${name}.`));
    const small = { truth: truthOf(path), distractions: [], pictures: () => smallPictures(film!) };
    return scoreFilm(name, small, rowsOf(path.replace('.cuts.', '.ignore.')).map(rangeOf));
  });
}

function scoreFilm(name: string, film: SmallFilm, ignored: readonly [number, number][] = []): Scored {
  const detector = new ShotDetector();
  const found: ShotBoundary[] = [];
  let durationSec = 0;
  for (const picture of film.pictures()) {
    found.push(...detector.push(picture));
    durationSec = picture.timeSec;
  }
  found.push(...detector.end());
  const outcome = score(film.truth, found, ignored);
  const causes = outcome.falseAlarms.map((alarm) => causeOf(alarm, film.truth, film.distractions));
  return { name, durationSec, causes, ...outcome };
}

function report(name: string, films: readonly Scored[], target: typeof COMPOSED): void {
  if (isListed) for (const film of films) list(film);
  const found = films.flatMap((film) => film.found);
  const missed = films.flatMap((film) => film.missed);
  const alarms = films.flatMap((film) => film.causes);
  const kinds = [...new Set([...found, ...missed].map(({ kind }) => kind))].sort();
  const of = (one: readonly Truth[], what: (truth: Truth) => boolean) => one.filter(what).length;
  const recall = (what: (truth: Truth) => boolean) => of(found, what) / (of(found, what) + of(missed, what));
  const minutes = films.reduce((sum, { durationSec }) => sum + durationSec, 0) / 60;
  console.log(
    `${name}: ${films.length} films, ${minutes.toFixed(1)} minutes, ${found.length + missed.length} boundaries`,
  );
  for (const kind of kinds) {
    const isKind = (truth: Truth) => truth.kind === kind;
    console.log(`       ${kind}: ${of(found, isKind)} of ${of(found, isKind) + of(missed, isKind)}`);
  }
  for (const cause of [...new Set(alarms)].sort())
    console.log(`       false alarms, ${cause}: ${alarms.filter((other) => other === cause).length}`);
  const f1 = f1Of(found.length, missed.length, alarms.length);
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

function summarise(name: string, films: readonly Scored[]): void {
  const [found, missed] = [films.flatMap((film) => film.found), films.flatMap((film) => film.missed)];
  const alarms = films.flatMap((film) => film.falseAlarms);
  const f1 = percent(f1Of(found.length, missed.length, alarms.length));
  const cuts = missed.filter(isHard).length;
  const minutes = films.reduce((sum, { durationSec }) => sum + durationSec, 0) / 60;
  console.log(
    `       ${name}: F1 ${f1}, found ${found.length} of ${found.length + missed.length}, missed ${cuts} cuts and ` +
      `${missed.length - cuts} gradual, ${alarms.length} false alarms in ${minutes.toFixed(1)} minutes`,
  );
}

function f1Of(found: number, missed: number, alarms: number): number {
  return (2 * found) / (2 * found + missed + alarms);
}

function atLeast(what: string, share: number, least: number) {
  return { what, got: percent(share), want: `≥ ${percent(least)}`, met: share >= least };
}

function list({ name, missed, falseAlarms, causes }: Scored): void {
  for (const { kind, start, end } of missed) console.log(`       ${name} ${start}–${end}: ${kind} missed`);
  falseAlarms.forEach(({ startFrame, frame, endFrame, transition }, i) => {
    console.log(`       ${name} ${frame} (${startFrame}–${endFrame}): false ${transition}, ${causes[i]}`);
  });
}

function truthOf(path: string): Truth[] {
  return rowsOf(path).map(([frame, , type, start, end]) => ({
    kind: type === 'hard' ? 'cut' : (type as Truth['kind']),
    ...{ frame: Number(frame), start: Number(start), end: Number(end) },
  }));
}

function rangeOf([from, to]: string[]): [number, number] {
  return [Number(from), Number(to)];
}

function rowsOf(path: string): string[][] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.slice(1).map((line) => line.split(','));
}
