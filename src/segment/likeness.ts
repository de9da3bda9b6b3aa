import { BLOCK_HEIGHT, BLOCK_WIDTH } from './change.ts';
import { MEASURES } from './measures.ts';
import { FINE_HEIGHT, FINE_WIDTH, PLANE_WIDTH, type Signature } from './signature.ts';

/** First displacements of the whole picture to try. With `FINE`, up to 3 pixels: 9 % of the width, 17 % of the height. */
const COARSE = [0, -2, 2];
/** Displacements to try around the best of the first ones, in pixels. */
const FINE = [0, -1, 1];
const BLOCKS = (FINE_WIDTH / BLOCK_WIDTH) * (FINE_HEIGHT / BLOCK_HEIGHT);
/** Sums of products of both pictures, one for each block. Reused for each displacement. */
const SHARED = new Float64Array(BLOCKS);
/** Energy of each block of the first picture. */
const ENERGY_A = new Float64Array(BLOCKS);
/** Energy of each block of the second picture. */
const ENERGY_B = new Float64Array(BLOCKS);

/**
 * Correlation of the detail of two pictures, 0 to 1, block by block, where the whole picture fits best. A lamp multiplies
 * detail, and fire, smoke or a passer-by covers some of it; so the result is the share of either picture's detail that the
 * other one shows, whichever is larger. Unrelated shots seldom reach 0.45.
 */
export function likeness(a: Signature, b: Signature): number {
  return bestFit(a, b).correlation;
}

/**
 * `likeness` of the 64 × 36 detail, for doubtful pairs. Four times as many blocks of the same number of pixels make chance
 * matter less: on the tuning films, one cut in a hundred reached 0.33.
 */
export function fineLikeness(a: Signature, b: Signature): number {
  const { x, y } = bestFit(a, b);
  let best = 0;
  for (const dy of FINE) {
    for (const dx of FINE)
      best = Math.max(best, correlationAt(a.fineDetail, b.fineDetail, FINE_WIDTH, 2 * x + dx, 2 * y + dy));
  }
  return best;
}

function bestFit(a: Signature, b: Signature): { correlation: number; x: number; y: number } {
  let [best, x, y] = [0, 0, 0];
  for (const steps of [COARSE, FINE]) {
    const [left, top] = [x, y];
    for (const dy of steps) {
      for (const dx of steps) {
        const correlation = correlationAt(a.detail, b.detail, PLANE_WIDTH, left + dx, top + dy);
        if (correlation > best) [best, x, y] = [correlation, left + dx, top + dy];
      }
    }
  }
  return { correlation: best, x, y };
}

function correlationAt(a: Int16Array, b: Int16Array, width: number, dx: number, dy: number): number {
  const { noiseEnergy } = MEASURES.likeness;
  const blocks = sumProducts(a, b, width, dx, dy);
  let [sharedA, allA, sharedB, allB] = [0, 0, 0, 0];
  for (let k = 0; k < blocks; k++) {
    const correlation = SHARED[k]! / Math.sqrt((ENERGY_A[k]! + noiseEnergy) * (ENERGY_B[k]! + noiseEnergy));
    const [amplitudeA, amplitudeB] = [Math.sqrt(ENERGY_A[k]!), Math.sqrt(ENERGY_B[k]!)];
    sharedA += amplitudeA * correlation;
    allA += amplitudeA;
    sharedB += amplitudeB * correlation;
    allB += amplitudeB;
  }
  return Math.max(sharedA / (allA + 1), sharedB / (allB + 1));
}

/** Fills `SHARED`, `ENERGY_A` and `ENERGY_B` for each block of `b` and what lies under it in `a`. @returns number of blocks */
function sumProducts(a: Int16Array, b: Int16Array, width: number, dx: number, dy: number): number {
  SHARED.fill(0);
  ENERGY_A.fill(0);
  ENERGY_B.fill(0);
  const height = a.length / width;
  const across = width / BLOCK_WIDTH;
  const offset = dy * width + dx;
  for (let row = Math.max(0, -dy); row < Math.min(height, height - dy); row++) {
    const first = Math.floor(row / BLOCK_HEIGHT) * across;
    for (let k = 0; k < across; k++) {
      const from = Math.max(k * BLOCK_WIDTH, -dx);
      const to = Math.min((k + 1) * BLOCK_WIDTH, width - dx);
      let [shared, energyA, energyB] = [0, 0, 0];
      for (let i = row * width + from; i < row * width + to; i++) {
        const [p, q] = [a[i + offset]!, b[i]!];
        shared += p * q;
        energyA += p * p;
        energyB += q * q;
      }
      SHARED[first + k]! += shared;
      ENERGY_A[first + k]! += energyA;
      ENERGY_B[first + k]! += energyB;
    }
  }
  return across * (height / BLOCK_HEIGHT);
}
