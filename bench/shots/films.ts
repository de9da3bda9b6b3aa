import { join } from 'node:path';
import type { Codec } from './encode.ts';
import type { Look } from './film.ts';
import { seeded } from './random.ts';
import type { SPLITS } from './sources.ts';

export type Split = keyof typeof SPLITS;

/** A film to be made, and how it is written. */
export interface Recipe {
  readonly name: string;
  readonly split: Split;
  readonly seed: number;
  readonly durationSec: number;
  readonly look: Look;
  readonly codec: Codec;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

const FILMS = 14;
const DURATION_SEC = 75;
/** The two splits share no seed. */
const FIRST_SEED: Readonly<Record<Split, number>> = { tuning: 100, report: 900 };

/** The films of a split: of all rates, paces, codecs and sizes, bright and dark, clean and grainy. */
export function recipes(split: Split): Recipe[] {
  return Array.from({ length: FILMS }, (_, i) => {
    const seed = FIRST_SEED[split] + i;
    const random = seeded(seed);
    const codec = random.pick<Codec>(['h264', 'h264', 'h264 low', 'vp8', 'mpeg4']);
    // Two large ones; for the rest small ones will do, for detection works on small pictures.
    const [width, height] =
      i < 2 ? [1280, 720] : random.pick([[640, 360] as const, [426, 240] as const, [320, 180] as const]);
    const look: Look = {
      rate: [24, 25, 30, 24, 60, 12, 24, 30][i % 8]!,
      paceSec: random.pick([1, 1.8, 3, 4]),
      speed: random.pick([1, 1, 1, 2, 3]),
      light: random.pick([1, 1, 1, 0.35]),
      grain: random.pick([0, 0, 3, 8]),
      bars: random.pick([0, 0, 0, 0.12]),
    };
    return { name: `${split}-${seed}`, split, seed, durationSec: DURATION_SEC, look, codec, width, height };
  });
}

const OUT = join(import.meta.dirname, '../out/shots');

/** Where a composed film lies, and what is in it. */
export function filesOf({ name, codec }: Recipe): { film: string; truth: string } {
  const extension = codec === 'vp8' ? 'webm' : codec === 'mpeg4' ? 'avi' : 'mp4';
  return { film: join(OUT, `${name}.${extension}`), truth: join(OUT, `${name}.json`) };
}
