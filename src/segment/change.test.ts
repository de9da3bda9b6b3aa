import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { even, type Pixels, picture, scene, width } from '../../test/support/shot-pictures.ts';
import {
  bestMatch,
  changeInPlace,
  changeSize,
  coarseDifference,
  compare,
  keptDetail,
  meanLumaDifference,
  pictureDifference,
  unchangedShare,
} from './change.ts';
import { PLANE_WIDTH, Signature } from './signature.ts';

const signature = (pixels: Pixels) => new Signature(picture(pixels, 0), 0);
const isLeft = (i: number) => Math.floor(i / 3) % width < width / 2;
/** The left half of one picture beside the right half of another. */
const halves = (left: Pixels, right: Pixels) => left.map((value, i) => (isLeft(i) ? value : right[i]!));
/** Squares of 2 × 2 pixels, each of another brightness. */
const textured = (seed: number) =>
  even(0).map((_, i) => {
    const block = Math.floor(i / (width * 3) / 2) * 32 + Math.floor((Math.floor(i / 3) % width) / 2);
    const wave = Math.sin(seed * 12.9898 + block * 78.233) * 43758.5453;
    return 40 + Math.floor(160 * (wave - Math.floor(wave)));
  });
/** The picture, `by` columns to the left. The last columns repeat. */
const displaced = (pixels: Pixels, by: number) =>
  pixels.map((_, i) => pixels[Math.floor(i / 3) % width < width - by ? i + 3 * by : i]!);
const round = (value: number) => Math.round(value * 100) / 100;

describe('compare', () => {
  test('of a picture with itself is 0', () => {
    assert.deepEqual(compare(signature(scene(1)), signature(scene(1))), { size: 0, residual: 0, inPlace: 0 });
  });

  test('finds blocks displaced by up to two pixels of the plane', () => {
    const change = compare(signature(scene(1)), signature(scene(1, 4)));
    assert.ok(change.inPlace > 6 * change.residual, `${change.residual} of ${change.inPlace}`);
    const farther = compare(signature(scene(1)), signature(scene(1, 12)));
    assert.ok(farther.residual > 2 * change.residual);
  });

  test('ignores brightness and contrast', () => {
    const plain = signature(textured(1));
    assert.equal(changeSize(plain, signature(textured(1).map((value) => value + 30))), 0);
    assert.ok(changeSize(plain, signature(textured(1).map((value) => value / 2))) < 5);
  });

  test('adds half of the colour difference', () => {
    const plain = scene(1).map(() => 100);
    const tinted = plain.map((value, i) => (i % 3 === 1 ? value : value + (i % 3 === 0 ? 20 : -20)));
    const [a, b] = [signature(plain), signature(tinted)];
    const difference = Math.abs(b.blue[0]! - a.blue[0]!) + Math.abs(b.red[0]! - a.red[0]!);
    assert.ok(difference > 20);
    assert.equal(changeSize(a, b), difference / 2);
    assert.equal(changeInPlace(a, b), difference / 2);
  });

  test('is a mean over the area', () => {
    const boxed = (pixels: Pixels) =>
      pixels.map((value, i) => (Math.floor(i / (width * 3)) < 12 || Math.floor(i / (width * 3)) >= 24 ? 0 : value));
    const [a, b] = [signature(boxed(textured(1))), signature(boxed(textured(2)))];
    for (const each of [a, b]) each.crop({ top: 6, bottom: 12, left: 0, right: 32 });
    assert.ok(compare(a, b).inPlace > 50);
    assert.ok(changeInPlace(a, b) > 50);
  });

  test('keeps its figures', () => {
    const { size, residual, inPlace } = compare(signature(scene(1)), signature(scene(2)));
    assert.deepEqual([size, residual, inPlace].map(round), [52.53, 41.2, 57.81]);
    assert.equal(round(changeInPlace(signature(scene(1)), signature(scene(2)))), 69.12);
  });
});

test('the best match is the nearest of equal ones, and none outside the plane', () => {
  const plane = Int16Array.from({ length: 576 }, (_, i) => ((i * 7919) % 251) * 2);
  const moved = new Int16Array(576);
  for (let i = 0; i + PLANE_WIDTH + 2 < 576; i++) moved[i] = plane[i + PLANE_WIDTH + 2]!;
  const { offset, difference, inPlace } = bestMatch(plane, moved, 8, 6);
  assert.deepEqual([offset, difference], [PLANE_WIDTH + 2, 0]);
  assert.ok(inPlace > 1000);
  assert.equal(bestMatch(plane, plane, 8, 6).offset, 0);
  assert.notEqual(bestMatch(plane, moved, 24, 6).offset, PLANE_WIDTH + 2);
  assert.notEqual(bestMatch(plane, moved, 8, 12).offset, PLANE_WIDTH + 2);
});

describe('kept detail', () => {
  const kept = (a: Pixels, b: Pixels) => keptDetail(signature(a), signature(b));

  test('is all of one picture, in any light and displaced by a little', () => {
    assert.equal(kept(textured(1), textured(1)), 1);
    assert.ok(
      kept(
        textured(1),
        textured(1).map((value) => value * 0.9 + 20),
      ) > 0.95,
    );
    assert.ok(kept(textured(1), displaced(textured(1), 4)) > 0.7);
  });

  test('is next to nothing of another picture, and half where half stays', () => {
    assert.ok(kept(textured(1), textured(2)) < 0.05);
    const half = kept(textured(1), halves(textured(1), textured(2)));
    assert.ok(half > 0.4 && half < 0.6, `${half}`);
  });

  test('is 0 between plain pictures', () => {
    assert.equal(kept(even(30), even(90)), 0);
  });

  test('weighs blocks by their detail', () => {
    const faint = textured(1).map((value, i) => (isLeft(i) ? value : 120 + (value - 120) / 12));
    const other = halves(
      textured(1),
      textured(2).map((value) => 120 + (value - 120) / 12),
    );
    assert.ok(kept(faint, other) > 0.85, `${kept(faint, other)}`);
    assert.deepEqual(
      [kept(scene(1), scene(1, 5)), kept(scene(1), scene(2)), kept(faint, textured(1))].map(round),
      [0.7, 0.18, 0.5],
    );
  });
});

describe('unchanged share', () => {
  const share = (a: Pixels, b: Pixels) => unchangedShare(signature(a), signature(b));

  test('is the share of pixels that keep luma and colour', () => {
    assert.equal(share(scene(1), scene(1)), 1);
    assert.equal(share(even(100), halves(even(100), even(200))), 0.5);
    const tint = (channel: number, by: number) =>
      even(100).map((value, i) => (isLeft(i) || i % 3 !== channel ? value : value + by));
    assert.equal(share(even(100), tint(0, 12)), 0.5, 'red');
    assert.equal(share(even(100), tint(2, 12)), 0.5, 'blue');
  });

  test('tolerates a fifth of the contrast, and three steps at least', () => {
    assert.equal(share(even(100), even(102)), 1);
    assert.equal(share(even(100), even(103)), 0);
    const [a, b] = [halves(even(60), even(160)), halves(even(60), even(160))];
    assert.equal(
      share(
        a,
        b.map((value) => value + 9),
      ),
      1,
    );
    assert.equal(
      share(
        a,
        b.map((value) => value + 10),
      ),
      0,
    );
    assert.equal(
      share(
        a,
        b.map((value, i) => (isLeft(i) ? value + 10 : value)),
      ),
      0.5,
    );
  });

  test('ignores black pixels, but counts a quarter of the picture at least', () => {
    assert.equal(share(halves(even(100), even(11)), halves(even(100), even(0))), 1);
    assert.equal(share(halves(even(100), even(12)), halves(even(100), even(0))), 0.5);
    const narrow = even(0).map((_, i) => (Math.floor(i / 3) % width < width / 8 ? 100 : 0));
    assert.equal(share(narrow, narrow), 0.5);
  });
});

test('the mean difference of luma covers the area alone', () => {
  const [a, b] = [signature(even(100)), signature(halves(even(110), even(90)))];
  assert.equal(meanLumaDifference(a, b), 10);
  const [c, d] = [signature(even(100)), signature(halves(even(120), even(100)))];
  assert.equal(meanLumaDifference(c, d), 10);
  for (const each of [c, d]) each.crop({ top: 1, bottom: 17, left: 0, right: 20 });
  assert.equal(meanLumaDifference(c, d), 16);
});

test('the coarse difference adds luma and both colour differences', () => {
  assert.equal(coarseDifference(signature(even(100)), signature(even(110))), 10);
  const [a, b] = [signature(even(100)), signature(even(100).map((value, i) => (i % 3 === 0 ? value + 40 : value)))];
  const of = ({ luma, blue, red }: Signature) => [luma[0]!, blue[0]!, red[0]!];
  const expected = of(a).reduce((sum, value, i) => sum + Math.abs(value - of(b)[i]!), 0);
  assert.equal(coarseDifference(a, b), expected);
  assert.equal(coarseDifference(b, a), expected);
});

test('the picture difference adds luma and half of both colour differences', () => {
  assert.equal(pictureDifference(signature(even(100)), signature(even(110))), 10);
  const [a, b] = [signature(even(100)), signature(even(100).map((value, i) => (i % 3 === 0 ? value + 40 : value)))];
  const by = ([x, y]: readonly [Int16Array, Int16Array]) => Math.abs(x[0]! - y[0]!);
  const expected = by([a.luma, b.luma]) + (by([a.blue, b.blue]) + by([a.red, b.red])) / 2;
  assert.deepEqual([pictureDifference(a, b), pictureDifference(b, a)], [expected, expected]);
  assert.equal(pictureDifference(a, signature(halves(even(100), even(120)))), 10);
});
