import { BLOCK_HEIGHT, BLOCK_WIDTH } from './change.ts';
import { FINE_HEIGHT, FINE_WIDTH, PLANE_WIDTH, type Signature } from './signature.ts';

/** The whole picture may have moved by these, and one more (9 % of the width, 17 % of the height). Pixels. */
const COARSE = [0, -2, 2];
const FINE = [0, -1, 1];
const BLOCKS = (FINE_WIDTH / BLOCK_WIDTH) * (FINE_HEIGHT / BLOCK_HEIGHT);
/** Added to the energy of a block, so that the noise of a plain one is like nothing. Quarter steps of luma, squared. */
const ENERGY_NOISE = 60;
/** Room for the sums of each block, used again for each displacement. */
const SHARED = new Float64Array(BLOCKS);
const OLD = new Float64Array(BLOCKS);
const FRESH = new Float64Array(BLOCKS);

/**
 * How alike the detail of two pictures is, 0 to 1, whatever the light makes of it: correlation, block by block, where the
 * whole picture fits best. A lamp multiplies detail, and fire, smoke or a passer-by cover some of it; so it is asked how
 * much of what either of them shows is in the other, and the better answer counts. Unrelated shots seldom reach 0.45.
 */
export function likeness(a: Signature, b: Signature): number {
  return bestFit(a, b).alike;
}

/**
 * The same of the fine details, for what is in doubt: four times as many blocks of the same number of pixels, so chance makes
 * less of unrelated shots alike: on the tuning films one cut in a hundred reached 0.33.
 */
export function fineLikeness(a: Signature, b: Signature): number {
  const { x, y } = bestFit(a, b);
  let best = 0;
  for (const dy of FINE) {
    for (const dx of FINE)
      best = Math.max(best, likenessAt(a.fineDetail, b.fineDetail, FINE_WIDTH, 2 * x + dx, 2 * y + dy));
  }
  return best;
}

function bestFit(a: Signature, b: Signature): { alike: number; x: number; y: number } {
  let [best, x, y] = [0, 0, 0];
  for (const steps of [COARSE, FINE]) {
    const [left, top] = [x, y];
    for (const dy of steps) {
      for (const dx of steps) {
        const alike = likenessAt(a.detail, b.detail, PLANE_WIDTH, left + dx, top + dy);
        if (alike > best) [best, x, y] = [alike, left + dx, top + dy];
      }
    }
  }
  return { alike: best, x, y };
}

function likenessAt(a: Int16Array, b: Int16Array, width: number, dx: number, dy: number): number {
  const blocks = sum(a, b, width, dx, dy);
  let [ofOld, old, ofFresh, fresh] = [0, 0, 0, 0];
  for (let k = 0; k < blocks; k++) {
    const alike = SHARED[k]! / Math.sqrt((OLD[k]! + ENERGY_NOISE) * (FRESH[k]! + ENERGY_NOISE));
    const [shownOld, shownFresh] = [Math.sqrt(OLD[k]!), Math.sqrt(FRESH[k]!)];
    ofOld += shownOld * alike;
    old += shownOld;
    ofFresh += shownFresh * alike;
    fresh += shownFresh;
  }
  return Math.max(ofOld / (old + 1), ofFresh / (fresh + 1));
}

/**
 * Products of what of `a` lies under each block of `b` when it is moved: with that block, and of both with themselves.
 * @returns how many blocks there are
 */
function sum(a: Int16Array, b: Int16Array, width: number, dx: number, dy: number): number {
  SHARED.fill(0);
  OLD.fill(0);
  FRESH.fill(0);
  const height = a.length / width;
  const across = width / BLOCK_WIDTH;
  const moved = dy * width + dx;
  for (let row = Math.max(0, -dy); row < Math.min(height, height - dy); row++) {
    const first = Math.floor(row / BLOCK_HEIGHT) * across;
    for (let k = 0; k < across; k++) {
      const from = Math.max(k * BLOCK_WIDTH, -dx);
      const to = Math.min((k + 1) * BLOCK_WIDTH, width - dx);
      let [shared, old, fresh] = [0, 0, 0];
      for (let i = row * width + from; i < row * width + to; i++) {
        const [p, q] = [a[i + moved]!, b[i]!];
        shared += p * q;
        old += p * p;
        fresh += q * q;
      }
      SHARED[first + k]! += shared;
      OLD[first + k]! += old;
      FRESH[first + k]! += fresh;
    }
  }
  return across * (height / BLOCK_HEIGHT);
}
