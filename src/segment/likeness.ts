import { BLOCK_HEIGHT, BLOCK_WIDTH } from './change.ts';
import { HEIGHT, type Signature, WIDTH } from './signature.ts';

/** The whole picture may have moved by these, and one more (9 % of the width, 17 % of the height). Pixels. */
const COARSE = [0, -2, 2];
const FINE = [0, -1, 1];
const ACROSS = WIDTH / BLOCK_WIDTH;
const BLOCKS = ACROSS * (HEIGHT / BLOCK_HEIGHT);
/** Added to the energy of a block, so that the noise of a plain one is like nothing. Quarter steps of luma, squared. */
const NOISE = 60;
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
  let [best, x, y] = [0, 0, 0];
  for (const steps of [COARSE, FINE]) {
    const [left, top] = [x, y];
    for (const dy of steps) {
      for (const dx of steps) {
        const alike = likenessAt(a.detail, b.detail, left + dx, top + dy);
        if (alike > best) [best, x, y] = [alike, left + dx, top + dy];
      }
    }
  }
  return best;
}

function likenessAt(a: Int16Array, b: Int16Array, dx: number, dy: number): number {
  sum(a, b, dx, dy);
  let [ofOld, old, ofFresh, fresh] = [0, 0, 0, 0];
  for (let k = 0; k < BLOCKS; k++) {
    const alike = SHARED[k]! / Math.sqrt((OLD[k]! + NOISE) * (FRESH[k]! + NOISE));
    const [shownOld, shownFresh] = [Math.sqrt(OLD[k]!), Math.sqrt(FRESH[k]!)];
    ofOld += shownOld * alike;
    old += shownOld;
    ofFresh += shownFresh * alike;
    fresh += shownFresh;
  }
  return Math.max(ofOld / (old + 1), ofFresh / (fresh + 1));
}

/** Products of what of `a` lies under each block of `b` when it is moved: with that block, and of both with themselves. */
function sum(a: Int16Array, b: Int16Array, dx: number, dy: number): void {
  SHARED.fill(0);
  OLD.fill(0);
  FRESH.fill(0);
  const moved = dy * WIDTH + dx;
  for (let row = Math.max(0, -dy); row < Math.min(HEIGHT, HEIGHT - dy); row++) {
    const first = Math.floor(row / BLOCK_HEIGHT) * ACROSS;
    for (let k = 0; k < ACROSS; k++) {
      const from = Math.max(k * BLOCK_WIDTH, -dx);
      const to = Math.min((k + 1) * BLOCK_WIDTH, WIDTH - dx);
      let [shared, old, fresh] = [0, 0, 0];
      for (let i = row * WIDTH + from; i < row * WIDTH + to; i++) {
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
}
