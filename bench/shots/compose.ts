/**
 * Composes the films for the shot detector's benchmark, with their ground truth. Films from an earlier run are kept, so delete
 * `OUT_DIR` after a change of the composer. `node bench/shots/compose.ts tuning` (or `report`) composes one half.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFilm } from './encode.ts';
import { makeFilm } from './film.ts';
import { filesOf, recipes, SERIES, type Split } from './films.ts';
import { recordingFiles, recordings, writeRecording } from './recordings/recordings.ts';
import { openShots } from './sources.ts';

export async function composeFilms(split: Split): Promise<void> {
  const all = SERIES.flatMap((series) => recipes(split, series));
  const missing = all.filter((recipe) => !existsSync(filesOf(recipe).film));
  if (missing.length === 0) return;
  const shots = await openShots(split);
  for (const recipe of missing) {
    const { look, seed, durationSec, codec, width, height, isVariable } = recipe;
    const { film: path, truth: truthPath } = filesOf(recipe);
    const { truth, distractions, pictures } = makeFilm(shots, look, seed, durationSec);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(truthPath, JSON.stringify({ truth, distractions }));
    await writeFilm(path, pictures(), { codec, rate: look.rate, width, height, isVariable });
    console.log(`${recipe.name}: ${truth.length} boundaries, ${distractions.length} distractions`);
  }
}

export async function composeRecordings(split: Split): Promise<void> {
  const missing = recordings(split).filter((recipe) => !existsSync(recordingFiles(recipe).film));
  if (missing.length === 0) return;
  const shots = await openShots(split);
  for (const recipe of missing) {
    const { film: path, truth: truthPath } = recordingFiles(recipe);
    const film = await recipe.make(shots);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(truthPath, JSON.stringify({ truth: film.truth, distractions: film.distractions }));
    await writeRecording(recipe, film.pictures());
    console.log(`${recipe.name}: ${film.truth.length} boundaries, ${film.distractions.length} distractions`);
  }
}

if (import.meta.main) {
  const asked = process.argv.slice(2);
  for (const split of ['tuning', 'report'] as const) {
    if (asked.length > 0 && !asked.includes(split)) continue;
    await composeFilms(split);
    await composeRecordings(split);
  }
}
