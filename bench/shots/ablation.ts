import { isDeepStrictEqual } from 'node:util';
import { RULES, type Rules } from '../../src/segment/rules.ts';
import { composedFilms, composedRecordings } from './corpus.ts';
import { SERIES } from './films.ts';
import { f1Of, type LabelledFilm, type ScoredFilm, scoreFilm } from './scoring.ts';
import { VARIANTS } from './variants.ts';

type Change = { readonly [Rule in keyof Rules]?: Partial<Rules[Rule]> };

const NEVER = Number.POSITIVE_INFINITY;

/** For each rule, the constants that disable it. */
export const ABLATIONS: Readonly<Record<string, Change>> = {
  'cut: change over that of the neighbours': { cut: { minExcessChange: 0 } },
  'cut: novelty': { cut: { minNovelty: 0 } },
  'cut: most kept detail': { cut: { maxKeptShare: 1 } },
  'cut: most unchanged picture': { cut: { maxUnchangedShare: 1 } },
  'cut: noise in the dark': { cut: { minLumaDifference: 0 } },
  'cut: neighbours in animation': { cut: { drawingNeighbourSec: RULES.cut.neighbourSec } },
  'cut: likeness of both sides': { cutLikeness: { minCoarseLikeness: NEVER } },
  'cut: blended pictures': { cutLikeness: { minBlendShare: NEVER } },
  'interruption: any comparison': { interruption: { maxSec: 0 } },
  'interruption: return': { interruption: { maxReturnChange: 0 } },
  'interruption: return after a flash': { flash: { maxRestShare: 0 } },
  'flash: at all': { flash: { minLuma: NEVER } },
  'lighting change': { lightingChange: { minCorrelation: NEVER } },
  'text overlay': { textOverlay: { minCorrelation: NEVER } },
  'letterbox: at all': { letterbox: { maxBarShare: 0 } },
  'letterbox: bars that count at once': { letterbox: { minBrightLuma: NEVER } },
  'blank: at all': { blankFrames: { maxContrastLuma: 0, maxPlainContrastLuma: 0, maxDarkMeanLuma: -1 } },
  'blank: plain pictures': { blankFrames: { maxPlainContrastLuma: 0 } },
  'blank: black with a logo': { blankFrames: { maxDarkMeanLuma: -1 } },
  'blank: cards': { blankFrames: { maxGapSec: NEVER } },
  'title card': { titleCard: { minTextSec: NEVER } },
  'fade: at all': { fade: { abruptShare: 0 } },
  'fade: end where contrast stalls': { fade: { maxStallSec: NEVER } },
  'fade: cuts at the far end': { fade: { minSeenSec: NEVER } },
  blink: { blink: { maxSec: 0 } },
  'gradual: dissolves': { gradual: { minDissolve: NEVER } },
  'gradual: wipes': { gradual: { minWipe: NEVER } },
  'gradual: no single step': { gradual: { maxStepShare: NEVER } },
  'gradual: straight path': { gradual: { minPromise: 0 } },
  'gradual: unrelated ends': { gradual: { minChange: 0 } },
  'gradual: slow motion': { gradual: { motionParts: [] } },
  'same shot: cut close by': { sameShot: { minShotSec: 0 } },
  'same shot: likeness': { sameShot: { sameSceneLikeness: NEVER } },
  'same shot: larger change beside': { sameShot: { minExcessRatio: NEVER } },
  'same shot: scene seen again': { sameShot: { maxHiddenSec: 0 } },
  'stills: slide changes': { stills: { minChange: NEVER } },
  'stills: dimmed': { stills: { maxCorrelation: NEVER } },
  'stills: noise in the dark': { stills: { minContrastLuma: 0 } },
  'stills: dissolves': { slideDissolve: { maxRestChange: -1 } },
  inset: { inset: { minAreaShare: NEVER } },
  strobe: { strobe: { minChange: NEVER } },
};

/** Prints F1 and false alarms of each set of films with all rules, and then without each one. */
export async function printAblation(): Promise<void> {
  const sets = await filmSets();
  const names = ['all rules', ...Object.keys(ABLATIONS)];
  const rules = [RULES, ...Object.values(ABLATIONS).map(withChange)];
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

export function withChange(change: Change): Rules {
  const groups = Object.entries(RULES).map(([name, group]) => [name, { ...group, ...change[name as keyof Rules] }]);
  return Object.fromEntries(groups);
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
