/** Random numbers that are the same on every run. */
export interface Random {
  /** A number from 0 up to, not including, 1, or between two numbers. */
  number(from?: number, to?: number): number;
  /** A whole number between two, both included. */
  whole(from: number, to: number): number;
  chance(share: number): boolean;
  pick<T>(from: readonly T[]): T;
}

export function seeded(seed: number): Random {
  let state = seed >>> 0;
  // mulberry32, Tommy Ettinger, public domain
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    number: (from = 0, to = 1) => from + (to - from) * next(),
    whole: (from, to) => from + Math.floor((to - from + 1) * next()),
    chance: (share) => next() < share,
    pick: (from) => from[Math.floor(from.length * next())]!,
  };
}
