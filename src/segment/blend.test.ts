import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { even, mix, type Pixels, picture, scene } from '../../test/support/shot-pictures.ts';
import { fadedShare } from './blend.ts';
import { Signature } from './signature.ts';

const QUARTERS = [0, 0.25, 0.5, 0.75, 1];
/** Mean faded share of films of five pictures, over generated scenes. */
function fadedIn(film: (seed: number, share: number) => Pixels): number {
  const seeds = [1, 3, 5, 7, 9, 11];
  const of = (seed: number) =>
    fadedShare(QUARTERS.map((share) => new Signature(picture(film(seed, share), share), share)));
  return seeds.reduce((sum, seed) => sum + of(seed), 0) / seeds.length;
}

describe('fadedShare', () => {
  test('is high half way through a dissolve, also between cameras that sway', () => {
    const sway = (seed: number, share: number) => scene(seed, 4 * Math.sin(9 * share + seed));
    assert.ok(fadedIn((seed, share) => mix(scene(seed), scene(seed + 1), share)) > 0.35);
    assert.ok(fadedIn((seed, share) => mix(sway(seed, share), sway(seed + 1, share), share)) > 0.35);
  });

  test('is low in a pan, and where the picture is black for a moment', () => {
    assert.ok(fadedIn((seed, share) => scene(seed, 12 * share)) < 0.2);
    assert.ok(fadedIn((seed, share) => mix(scene(seed), even(0), 1 - Math.abs(2 * share - 1))) < 0.2);
  });
});
