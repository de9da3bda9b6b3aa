import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';

/** Seeded pseudo-random generator of numbers in [0, 1) (Mulberry32, Tommy Ettinger, public domain). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Reproducible random numbers. The seed is printed with the test; REELVEC_TEST_SEED sets it.
 * @returns function that returns an integer from 0 to below its argument
 */
export function seededRandom(t: TestContext): (below: number) => number {
  const seed = Number(process.env['REELVEC_TEST_SEED'] ?? randomInt(2 ** 31));
  t.diagnostic(`REELVEC_TEST_SEED=${seed}`);
  const random = randomFrom(seed);
  return (below) => Math.floor(random() * below);
}
