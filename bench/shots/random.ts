import { randomFrom } from '../../test/support/seeded-random.ts';

/** Reproducible random numbers. */
export interface Random {
  /** Number from `from` to below `to`; default 0 to 1. */
  number(from?: number, to?: number): number;
  /** Integer from `from` to `to`, both inclusive. */
  whole(from: number, to: number): number;
  /** True with the probability `share`. */
  chance(share: number): boolean;
  pick<T>(from: readonly T[]): T;
}

/** Random numbers from a seed. */
export function seeded(seed: number): Random {
  const next = randomFrom(seed);
  return {
    number: (from = 0, to = 1) => from + (to - from) * next(),
    whole: (from, to) => from + Math.floor((to - from + 1) * next()),
    chance: (share) => next() < share,
    pick: (from) => from[Math.floor(from.length * next())]!,
  };
}
