import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dim, even, mix, type Pixels, picture, scene, width } from '../../test/support/shot-pictures.ts';
import { blendShare, fadedShare, fitBlend } from './blend.ts';
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

describe('fits of a window keep their figures', () => {
  const wiped = (share: number): Pixels =>
    scene(1).map((value, k) => (Math.floor(k / 3) % width < share * width ? scene(2)[k]! : value));
  const windows: readonly [
    name: string,
    film: readonly Pixels[],
    figures: readonly [blend: number, maxBlendShare: number, patchworkShare: number, blendShare: number, faded: number],
  ][] = [
    ['dissolve', QUARTERS.map((share) => mix(scene(1), scene(2), share)), [687, 0.96, 0.014, 0.956, 0.31]],
    [
      'uneven dissolve',
      [0, 0.1, 0.3, 0.6, 1].map((share) => mix(scene(1), scene(2), share)),
      [3492.2, 0.836, 0.014, 0.826, 0.326],
    ],
    ['wipe', QUARTERS.map(wiped), [23_235.1, 0.49, 1, 0, 0.009]],
    ['pan', QUARTERS.map((share) => scene(1, 12 * share)), [49_074.5, 0.596, 0.087, 0.331, 0]],
    ['fade', QUARTERS.map((share) => dim(scene(1), 1 - share)), [516, 0.985, 0.006, 0.57, 0.491]],
  ];

  for (const [name, film, figures] of windows) {
    test(name, () => {
      const signatures = film.map((pixels) => new Signature(picture(pixels, 0), 0));
      const fit = fitBlend(signatures);
      const found = [
        fit.blend,
        fit.maxBlendShare,
        fit.patchworkShare,
        blendShare(signatures, fit),
        fadedShare(signatures),
      ];
      assert.deepEqual(
        found.map((value) => Math.round(value * 1000) / 1000),
        figures,
      );
    });
  }
});
