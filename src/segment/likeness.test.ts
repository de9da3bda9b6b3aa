import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Pixels, picture, scene, width } from '../../test/support/shot-pictures.ts';
import { fineLikeness, likeness } from './likeness.ts';
import { Signature } from './signature.ts';

const signature = (pixels: Pixels) => new Signature(picture(pixels, 0), 0);
const likenessOf = (a: Pixels, b: Pixels) => likeness(signature(a), signature(b));

describe('a scene is like itself', () => {
  test('in a tenth of the light', () => {
    assert.ok(
      likenessOf(
        scene(1),
        scene(1).map((value) => value / 10),
      ) > 0.9,
    );
  });

  test('after a pan by a twelfth of the picture', () => {
    assert.ok(likenessOf(scene(1), scene(1, width / 12)) > 0.9);
  });

  test('with a fire over a third of it', () => {
    const fire = (pixels: Pixels) => pixels.map((value, i) => (Math.floor(i / 3) % width < width / 3 ? 255 : value));
    const dim = scene(1).map((value) => value / 4);
    assert.ok(likenessOf(dim, fire(dim)) > 0.5);
    assert.ok(likenessOf(fire(dim), dim) > 0.5);
  });
});

test('likeness keeps its figures', () => {
  const rounded = (a: Pixels, b: Pixels) =>
    [likenessOf(a, b), fineLikeness(signature(a), signature(b))].map((value) => Math.round(value * 1000) / 1000);
  const wiped = scene(1).map((value, k) => (Math.floor(k / 3) % width < 0.4 * width ? scene(2)[k]! : value));
  assert.deepEqual(rounded(scene(1), scene(1, 5)), [0.928, 0.985]);
  assert.deepEqual(rounded(scene(1), scene(1, 3, 2)), [0.923, 0.996]);
  assert.deepEqual(rounded(scene(1), wiped), [0.76, 0.741]);
  assert.deepEqual(rounded(scene(1), scene(2)), [0.396, 0.351]);
  assert.equal(Math.round(likenessOf(scene(2), scene(1)) * 1000), 372);
});

test('unrelated scenes are not alike, in any light', () => {
  for (const gain of [1, 1 / 8]) {
    let sum = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const other = scene(seed + 1).map((value) => value * gain);
      sum += likenessOf(scene(seed), other);
    }
    assert.ok(sum / 30 < 0.4, `${sum / 30} on average`);
  }
});

describe('fineLikeness', () => {
  const block = (i: number) => Math.floor(i / (width * 3) / 3) * 22 + Math.floor((Math.floor(i / 3) % width) / 3);
  /** Squares of three pixels, each of another brightness. */
  const textured = (seed: number, light = 1) =>
    scene(1).map((_, i) => {
      const wave = Math.sin(seed * 12.9898 + block(i) * 78.233) * 43758.5453;
      return (40 + 160 * (wave - Math.floor(wave))) * light;
    });
  const fine = (a: Pixels, b: Pixels) => fineLikeness(signature(a), signature(b));

  test('is high for one scene in a quarter of the light', () => {
    assert.ok(fine(textured(1), textured(1, 1 / 4)) > 0.8);
  });

  test('is lower than likeness for unrelated scenes', () => {
    let [inFine, inCoarse] = [0, 0];
    for (let seed = 1; seed <= 20; seed++) {
      inFine += fine(textured(seed), textured(seed + 1)) / 20;
      inCoarse += likenessOf(textured(seed), textured(seed + 1)) / 20;
    }
    assert.ok(inFine < 0.3 && inFine < inCoarse, `${inFine} and ${inCoarse} on average`);
  });
});
