/**
 * Retrieval of re-encoded clips. Copies of all films and sounds of the test media, cut like their originals into
 * clips of 6 s, search for their nearest neighbour among the clips of all originals. Only the same stretch of the
 * same recording counts as found. The sound of films counts as sound; clips of digital silence, which are all
 * the same sound, are left out.
 */
import { basename } from 'node:path';
import { createSignalBundle } from '../src/encode/signal/bundle.ts';
import { cosine } from '../test/support/embeddings.ts';
import { clipsOf, type MediaClips } from './clips.ts';
import { mediaFiles } from './media.ts';
import { recordingOf, sourceOf } from './recordings.ts';
import { AUDIO_VARIANTS, reencode, type Variant, VIDEO_VARIANTS } from './reencode.ts';
import { checkTargets, median, percent } from './report.ts';

const CLIP_SEC = 6;
/** Peak of digital silence: one step of 16-bit samples. */
const SILENCE_PEAK = 1 / 32768;

interface Point {
  readonly path: string;
  readonly startSec: number;
  readonly vector: Float32Array;
}

const bundle = createSignalBundle();
const films = mediaFiles('video', /\.(mp4|webm|ts)$/);
const sounds = ['audio/speech', 'audio/music', 'audio/esc10'].flatMap((folder) =>
  mediaFiles(folder, /\.(wav|mp3|flac|ogg)$/),
);

await measure('visual', films, VIDEO_VARIANTS, 0.97);
await measure('audio', [...films, ...sounds], AUDIO_VARIANTS, 0.95);

async function measure(
  option: keyof MediaClips,
  paths: readonly string[],
  variants: readonly Variant[],
  found: number,
) {
  const originals = (await Promise.all(paths.map((path) => embed(option, path, path)))).flat();
  const withTrack = [...new Set(originals.map(({ path }) => path))];
  const hits: boolean[] = [];
  const own: number[] = [];
  for (const variant of variants) {
    const variantHits: boolean[] = [];
    const variantOwn: number[] = [];
    for (const path of withTrack) {
      for (const copy of await embed(
        option,
        path,
        await reencode(path, option === 'visual' ? 'video' : 'audio', variant),
      )) {
        const nearest = nearestOf(copy, originals);
        const hit = recordingOf(nearest.path) === recordingOf(path) && sameStart(nearest, copy);
        variantHits.push(hit);
        const original = originals.find((point) => point.path === path && sameStart(point, copy));
        if (original) variantOwn.push(cosine(original.vector, copy.vector));
        if (!hit) {
          const at = (point: Point) => `${basename(point.path)} ${point.startSec} s`;
          console.log(`       ${variant.name}: ${at(copy)} found ${at(nearest)}`);
        }
      }
    }
    console.log(
      `${option}, ${variant.name}: ${count(variantHits)} found, cosine to itself ${median(variantOwn).toFixed(3)}`,
    );
    hits.push(...variantHits);
    own.push(...variantOwn);
  }
  const others = originals.flatMap((a, i) =>
    originals.slice(i + 1).flatMap((b) => (sourceOf(a.path) === sourceOf(b.path) ? [] : [cosine(a.vector, b.vector)])),
  );
  const share = hits.filter(Boolean).length / hits.length;
  checkTargets([
    {
      what: `${option}: copies that find themselves`,
      got: count(hits),
      want: `≥ ${percent(found)}`,
      met: share >= found,
    },
    {
      what: `${option}: median cosine of a copy to its original`,
      got: median(own).toFixed(3),
      want: '≥ 0.95',
      met: median(own) >= 0.95,
    },
    {
      what: `${option}: median cosine of different sources`,
      got: median(others).toFixed(3),
      want: '≤ 0.6',
      met: median(others) <= 0.6,
    },
  ]);
}

/** @param path the original, also for a copy */
async function embed(option: keyof MediaClips, path: string, file: string): Promise<Point[]> {
  const { visual, audio } = clipsOf(file, bundle, CLIP_SEC);
  const audible = audio.filter(({ samples }) => samples.some((sample) => Math.abs(sample) > SILENCE_PEAK));
  const clips = option === 'visual' ? visual : audible;
  const vectors = option === 'visual' ? await bundle.visual.encode(visual) : await bundle.audio.encode(audible);
  return vectors.map((vector, i) => ({ path, startSec: clips[i]!.startSec, vector }));
}

function nearestOf(copy: Point, originals: readonly Point[]): Point {
  const similarity = originals.map((point) => cosine(point.vector, copy.vector));
  return originals[similarity.indexOf(Math.max(...similarity))]!;
}

function sameStart(a: Point, b: Point): boolean {
  return Math.abs(a.startSec - b.startSec) < 0.1;
}

function count(hits: readonly boolean[]): string {
  const found = hits.filter(Boolean).length;
  return `${found} of ${hits.length} (${percent(found / hits.length)})`;
}
