import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { even, height, type Pixels, picture, scene, width } from '../../test/support/shot-pictures.ts';
import { LetterboxTracker } from './letterbox.ts';
import { RULES } from './rules.ts';
import { type Area, Signature, WHOLE_AREA } from './signature.ts';

/** Black bars of that many pixels of 64 × 36 around a picture. */
const boxed = (pixels: Pixels, [top, bottom, left, right]: readonly [number, number, number, number]) =>
  pixels.map((value, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / (width * 3))];
    return y < top || y >= height - bottom || x < left || x >= width - right ? 0 : value;
  });
const bright = scene(1).map((value) => 60 + value / 2);
const dark = scene(1).map((value) => 12 + value / 20);

/** Areas reported for one picture a second, without those that change nothing. */
function areas(film: readonly Pixels[], secondsApart = 1): [second: number, area: Area][] {
  const tracker = new LetterboxTracker(RULES.letterbox);
  return film.flatMap((pixels, i) => {
    const area = tracker.update(new Signature(picture(pixels, i), i * secondsApart));
    return area ? [[i, area] as [number, Area]] : [];
  });
}
const area = (top: number, bottom: number, left: number, right: number): Area => ({ top, bottom, left, right });

test('a picture without bars is whole', () => {
  assert.deepEqual(areas([bright, bright]), []);
});

test('bars are left out, with one line of the picture beside each', () => {
  assert.deepEqual(areas([boxed(bright, [4, 4, 0, 0])]), [[0, area(3, 15, 0, 32)]]);
  assert.deepEqual(areas([boxed(bright, [0, 0, 6, 12])]), [[0, area(0, 18, 4, 25)]]);
  assert.deepEqual(areas([boxed(bright, [0, 6, 0, 0])]), [[0, area(0, 14, 0, 32)]]);
});

test('a bar takes a quarter of the picture at most', () => {
  assert.deepEqual(areas([boxed(bright, [12, 0, 20, 0])]), [[0, area(5, 18, 9, 32)]]);
});

test('a black picture shows nothing about bars', () => {
  assert.deepEqual(areas([boxed(bright, [4, 4, 0, 0]), even(0), even(20), boxed(bright, [4, 4, 0, 0])]), [
    [0, area(3, 15, 0, 32)],
  ]);
});

test('a row that shows anything is picture at once', () => {
  const film = [boxed(dark, [4, 0, 0, 0]), dark.map((value) => value + 10)];
  assert.deepEqual(areas(film), [
    [0, area(3, 18, 0, 32)],
    [1, WHOLE_AREA],
  ]);
});

describe('a row that was picture', () => {
  const single = (count: number) => Array.from({ length: count }, () => boxed(bright, [4, 0, 0, 0]));

  test('becomes a bar after it was black for three seconds', () => {
    assert.deepEqual(areas([bright, ...single(9)]), [[8, area(3, 18, 0, 32)]]);
    assert.deepEqual(areas([bright, ...single(4)]), []);
  });

  test('stays picture where it is lit in between', () => {
    const film = [bright, ...single(3), bright, ...single(3), bright, ...single(2)];
    assert.deepEqual(areas(film), []);
  });
});

describe('two equal bars beside a bright picture', () => {
  const wide = boxed(bright, [4, 4, 0, 0]);

  test('count at once, and for ten seconds after they are gone', () => {
    assert.deepEqual(areas([bright, wide, ...Array.from({ length: 14 }, () => bright)]), [
      [1, area(3, 15, 0, 32)],
      [12, WHOLE_AREA],
    ]);
  });

  test('may differ by one line, and the thicker one counts', () => {
    assert.deepEqual(areas([bright, boxed(bright, [4, 6, 0, 0])]), [[1, area(4, 14, 0, 32)]]);
    assert.deepEqual(areas([bright, boxed(bright, [4, 8, 0, 0])]), []);
  });

  test('at the sides, too', () => {
    assert.deepEqual(areas([bright, boxed(bright, [0, 0, 8, 8])]), [[1, area(0, 18, 5, 27)]]);
  });

  test('do not count at once beside a dark picture', () => {
    assert.deepEqual(areas([bright, boxed(dark, [4, 4, 0, 0])]), []);
    const darkBelow = bright.map((value, i) => (i < bright.length / 2 ? value : dark[i]!));
    assert.deepEqual(areas([bright, boxed(darkBelow, [4, 4, 0, 0])]), []);
  });

  test('are remembered from the last picture that shows them', () => {
    const film = [bright, wide, bright, bright, wide, ...Array.from({ length: 12 }, () => bright)];
    assert.deepEqual(
      areas(film).map(([second]) => second),
      [1, 15],
    );
  });
});
