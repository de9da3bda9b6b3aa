import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';

/**
 * Reproducible random numbers. The seed is printed with the test; REELVEC_TEST_SEED sets it.
 * @returns function that returns an integer from 0 to below its argument
 */
export function seededRandom(t: TestContext): (below: number) => number {
  const seed = Number(process.env['REELVEC_TEST_SEED'] ?? randomInt(2 ** 31));
  t.diagnostic(`REELVEC_TEST_SEED=${seed}`);
  let state = seed >>> 0;
  // mulberry32, Tommy Ettinger, public domain
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
