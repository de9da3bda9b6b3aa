import { join } from 'node:path';
import type { Codec } from './encode.ts';
import type { Look } from './film.ts';
import { OUT_DIR } from './out.ts';
import { seeded } from './random.ts';
import type { SPLITS } from './sources.ts';

export type Split = keyof typeof SPLITS;

/** A film to compose, and its encoding. */
export interface Recipe {
  readonly name: string;
  readonly split: Split;
  readonly seed: number;
  readonly durationSec: number;
  readonly look: Look;
  readonly codec: Codec;
  readonly isVariable: boolean;
  /** Width of the file, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** First seed of each split. No seed is in both. */
const FIRST_SEED: Readonly<Record<Split, number>> = { tuning: 100, report: 900 };

/** Films that mix everything, and films of one kind each. */
export const SERIES = ['mixed', 'kinds'] as const;

export function recipes(split: Split, series: (typeof SERIES)[number]): Recipe[] {
  return series === 'mixed' ? mixed(split) : ofKinds(split);
}

/** Films of various rates, paces, codecs and sizes, bright and dark, clean and grainy. */
function mixed(split: Split): Recipe[] {
  return Array.from({ length: 14 }, (_, i) => {
    const seed = FIRST_SEED[split] + i;
    const random = seeded(seed);
    const codec = random.pick<Codec>(['h264', 'h264', 'h264 low', 'vp8', 'mpeg4']);
    // Two are large. Small ones are enough for the rest, since detection uses small pictures.
    const [width, height] =
      i < 2 ? [1280, 720] : random.pick([[640, 360] as const, [426, 240] as const, [320, 180] as const]);
    const look: Look = {
      ...PLAIN,
      rate: [24, 25, 30, 24, 60, 12, 24, 30][i % 8]!,
      paceSec: random.pick([1, 1.8, 3, 4]),
      speed: random.pick([1, 1, 1, 2, 3]),
      light: random.pick([1, 1, 1, 0.35]),
      grain: random.pick([0, 0, 3, 8]),
      bars: random.pick([0, 0, 0, 0.12]),
    };
    const name = `${split}-${seed}`;
    return { name, split, seed, durationSec: 75, look, codec, width, height, isVariable: false };
  });
}

export const PLAIN: Look = {
  ...{ genre: 'mixed', rate: 24, paceSec: 2, speed: 1, hold: 1 },
  ...{ light: 1, isDrawn: false, isGrey: false, near: 1, grain: 0, bars: 0, residue: 'none' },
};
const FILM_RATE = 24000 / 1001;
const TV_RATE = 30000 / 1001;

/** Kinds of films that are hard in different ways. */
const KINDS: readonly (Partial<Look> & { kind: string; codec?: Codec; isVariable?: true })[] = [
  { kind: 'battle', genre: 'battle', rate: FILM_RATE, paceSec: 0.6, speed: 2, bars: 0.12, grain: 3 },
  { kind: 'dark battle', genre: 'battle', paceSec: 0.9, speed: 2, light: 0.3, grain: 5, codec: 'h264 low' },
  { kind: 'battle on the phone', genre: 'battle', rate: TV_RATE, paceSec: 1.2, speed: 1, isVariable: true },
  { kind: 'battle of drawings', genre: 'battle', paceSec: 0.8, speed: 2, hold: 2, isDrawn: true },
  { kind: 'night', genre: 'drama', rate: 25, light: 0.15, grain: 2, codec: 'h264 low' },
  { kind: 'dusk', genre: 'drama', rate: FILM_RATE, light: 0.25, grain: 4, bars: 0.12, paceSec: 3 },
  { kind: 'trailer', genre: 'trailer', paceSec: 1.2, bars: 0.12 },
  { kind: 'quick trailer', genre: 'trailer', rate: TV_RATE, paceSec: 0.8, speed: 2, codec: 'h264 low' },
  { kind: 'trailer of drawings', genre: 'trailer', rate: 25, paceSec: 1.6, hold: 2, isDrawn: true },
  { kind: 'drawings', genre: 'drama', paceSec: 2, hold: 3, isDrawn: true, codec: 'h264 low' },
  { kind: 'interlaced', genre: 'drama', rate: 25, residue: 'fields', codec: 'mpeg4' },
  { kind: 'telecined', genre: 'mixed', rate: TV_RATE, residue: 'telecine', grain: 4 },
  { kind: 'converted', genre: 'drama', rate: 30, residue: 'blends', paceSec: 1.5 },
  { kind: 'sports', genre: 'mixed', rate: 50, speed: 2, codec: 'h264 low' },
];

/** Further rounds of tuning films: other seeds, and modified pictures. */
const ROUNDS: readonly { name: string; change(look: Look, kind: number): Look | undefined }[] = [
  { name: '', change: (look) => look },
  { name: ' again', change: (look, kind) => ({ ...look, speed: 1.5 * look.speed, isGrey: kind % 4 === 1 }) },
  { name: ' from near', change: (look, kind) => (kind % 3 === 1 ? { ...look, near: 0.3 } : undefined) },
];

function ofKinds(split: Split): Recipe[] {
  const rounds = split === 'tuning' ? ROUNDS : ROUNDS.slice(0, 1);
  return rounds.flatMap(({ name, change }, round) =>
    KINDS.flatMap(({ kind, codec = 'h264', isVariable = false, ...options }, i) => {
      const look = change({ ...PLAIN, ...options }, i);
      if (!look) return [];
      return {
        name: `${split} ${kind}${name}`.replaceAll(' ', '-'),
        ...{ split, seed: FIRST_SEED[split] + 50 + 100 * round + i, durationSec: 60, codec, isVariable, look },
        ...{ width: 426, height: 240 },
      };
    }),
  );
}

/** Paths of a composed film and of its ground truth. */
export function filesOf({ name, codec }: Recipe): { film: string; truth: string } {
  const extension = codec === 'vp8' ? 'webm' : codec === 'mpeg4' ? 'avi' : 'mp4';
  return { film: join(OUT_DIR, `${name}.${extension}`), truth: join(OUT_DIR, `${name}.json`) };
}
