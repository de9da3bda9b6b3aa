/**
 * Pictures that are not embedded because they show the same as an earlier one of their segment, and what that changes.
 * For each kind of material, in segments of 6 s:
 *
 * - all pictures that a bundle chooses, over those that it embeds. Its visual encoder takes time in proportion to them.
 * - the cosine of the `signal` vector of all pictures to that of the same pictures with each repetition replaced by the
 *   picture that stands for it. `signal` describes motion and levels too, so it notices more than a picture model does.
 *
 * The slides, screen recordings and calls are those of `bench:shots`, which are composed on first use.
 */
import { basename } from 'node:path';
import { readShippedBundle } from '../src/encode/bundle-files.ts';
import { createSignalBundle } from '../src/encode/signal/bundle.ts';
import { distinctPictures } from '../src/encode/tensors/distinct-pictures.ts';
import type { PictureSize } from '../src/media/frames.ts';
import { cosine } from '../test/support/embeddings.ts';
import { clipsOf } from './clips.ts';
import { mediaFiles } from './media.ts';
import { checkTargets, median, percent } from './report.ts';
import { composeRecordings } from './shots/compose.ts';
import { recordingFiles, recordings } from './shots/recordings/recordings.ts';

const SEGMENT_SEC = 6;
const SPLIT = 'report';
const signal = createSignalBundle();
const clip = readShippedBundle('clip').visual;
if (clip?.kind !== 'onnx' || clip.pictures.sameUpTo === undefined)
  throw new Error('The bundle clip reuses no pictures.');
const { pictures: spec } = clip;
const { sameUpTo } = spec;

interface Material {
  readonly name: string;
  readonly files: readonly string[];
  /** Least factor that is asked, for still material. */
  readonly minFactor?: number;
  /** Largest share of pictures that may be left out, for action. */
  readonly maxSaved?: number;
}

await composeRecordings(SPLIT);
const made = (kind: string) =>
  recordings(SPLIT)
    .filter((recipe) => recipe.kind === kind)
    .map((recipe) => recordingFiles(recipe).film);
const real = (name: RegExp) => mediaFiles('video', name);
const MATERIALS: readonly Material[] = [
  { name: 'slides', files: made('slides'), minFactor: 3 },
  { name: 'screen recordings', files: made('screens'), minFactor: 3 },
  { name: 'video calls', files: made('calls') },
  { name: 'fixed road camera', files: real(/^cars/) },
  { name: 'speech, live action', files: real(/^(tos|friday).*(ts|mp4)$/) },
  { name: 'cartoon', files: real(/^bbb_first216s.*mp4$/) },
  { name: 'action, hand-held camera', files: real(/^(dog|coffee).*mp4$/), maxSaved: 0 },
];

/** Picture counts of one file at a rate, and cosines of its segments. */
function measure(path: string, pictures: PictureSize & { perSecond: number }): { all: number; embedded: number } {
  const { visual } = clipsOf(path, { visual: { ...signal.visual, pictures }, audio: signal.audio }, SEGMENT_SEC);
  const count = (of: (clip: (typeof visual)[number]) => number) => visual.reduce((sum, one) => sum + of(one), 0);
  return {
    all: count((one) => one.pictures.length),
    embedded: count((one) => distinctPictures(one.pictures, sameUpTo).pictures.length),
  };
}

async function cosines(path: string): Promise<number[]> {
  const { visual } = clipsOf(path, signal, SEGMENT_SEC);
  const reduced = visual.map((one) => {
    const { pictures, positions } = distinctPictures(one.pictures, sameUpTo);
    return { ...one, pictures: positions.map((position) => pictures[position]!) };
  });
  const [full, fewer] = [await signal.visual.encode(visual), await signal.visual.encode(reduced)];
  return full.map((vector, i) => cosine(vector, fewer[i]!));
}

const targets: Parameters<typeof checkTargets>[0][number][] = [];
for (const { name, files, minFactor, maxSaved } of MATERIALS) {
  const factors = new Map<number, number>();
  for (const perSecond of [1, 2, 4]) {
    const counts = files.map((path) => measure(path, { ...spec, perSecond }));
    const sum = (key: 'all' | 'embedded') => counts.reduce((total, one) => total + one[key], 0);
    factors.set(perSecond, sum('all') / sum('embedded'));
  }
  const likeness = (await Promise.all(files.map(cosines))).flat();
  const factor = factors.get(spec.perSecond)!;
  console.log(
    `${name} (${files.map((path) => basename(path)).join(', ')}): fewer pictures at ${[...factors]
      .map(([rate, value]) => `${rate}/s ${value.toFixed(2)} ×`)
      .join(', ')}; cosine median ${median(likeness).toFixed(4)}, least ${Math.min(...likeness).toFixed(4)}`,
  );
  if (minFactor !== undefined)
    targets.push({
      what: `${name}, ${spec.perSecond}/s`,
      got: `${factor.toFixed(2)} ×`,
      want: `≥ ${minFactor} ×`,
      met: factor >= minFactor,
    });
  if (maxSaved !== undefined)
    targets.push({
      what: `${name}, pictures left out`,
      got: percent(1 - 1 / factor),
      want: `≤ ${percent(maxSaved)}`,
      met: 1 - 1 / factor <= maxSaved,
    });
  const middle = median(likeness);
  targets.push({ what: `${name}, median cosine`, got: middle.toFixed(4), want: '≥ 0.995', met: middle >= 0.995 });
}
checkTargets(targets);
