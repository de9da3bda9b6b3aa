import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { mediaFiles } from '../media.ts';
import { composeFilms, composeRecordings } from './compose.ts';
import type { Truth } from './film.ts';
import { filesOf, recipes, type SERIES, type Split } from './films.ts';
import { recordingFiles, recordings } from './recordings/recordings.ts';
import type { LabelledFilm } from './scoring.ts';
import { smallPictures } from './small.ts';

/** Films composed of shots of the test media. Composes those that are missing. */
export async function composedFilms(split: Split, series: (typeof SERIES)[number]): Promise<LabelledFilm[]> {
  await composeFilms(split);
  return recipes(split, series).map((recipe) => ({ name: recipe.name, ...labelled(filesOf(recipe)) }));
}

/** Composed slides, screen recordings, calls and so on. Composes those that are missing. */
export async function composedRecordings(split: Split): Promise<(LabelledFilm & { kind: string })[]> {
  await composeRecordings(split);
  return recordings(split).map((recipe) => ({
    ...{ name: recipe.name, kind: recipe.kind },
    ...labelled(recordingFiles(recipe)),
  }));
}

/** Clips of the shared media whose boundaries were marked by hand. */
export function sharedClips(): LabelledFilm[] {
  return mediaFiles('video', /\.cuts\.csv$/).map((path) => {
    const name = basename(path, '.cuts.csv');
    const [film] = mediaFiles('video', /\.(mp4|webm|ts)$/).filter((file) => basename(file).startsWith(`${name}.`));
    return {
      name,
      truth: truthOf(path),
      distractions: [],
      ignored: rowsOf(path.replace('.cuts.', '.ignore.')).map(([from, to]) => [Number(from), Number(to)] as const),
      pictures: () => smallPictures(film!),
    };
  });
}

function labelled({ film, truth }: { film: string; truth: string }): Omit<LabelledFilm, 'name'> {
  return { ...JSON.parse(readFileSync(truth, 'utf8')), ignored: [], pictures: () => smallPictures(film) };
}

function truthOf(path: string): Truth[] {
  return rowsOf(path).map(([frame, , type, start, end]) => ({
    kind: type === 'hard' ? 'cut' : (type as Truth['kind']),
    ...{ frame: Number(frame), start: Number(start), end: Number(end) },
  }));
}

function rowsOf(path: string): string[][] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.slice(1).map((line) => line.split(','));
}
