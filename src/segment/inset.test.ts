import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cuts, detect, height, type Pixels, scene, times, width } from '../../test/support/shot-pictures.ts';

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}
const MIDDLE: Box = { left: 14, top: 8, width: 36, height: 20 };

/** Stripes and plain blocks that stand still around everything. */
const frame = scene(9).map((value, i) => (Math.floor(i / 3) % width < 8 ? value : 60));

function inside(pixels: Pixels, box: Box, around: Pixels = frame): Pixels {
  return around.map((value, i) => {
    const [row, column] = [Math.floor(i / (width * 3)), Math.floor(i / 3) % width];
    const isInside =
      row >= box.top && row < box.top + box.height && column >= box.left && column < box.left + box.width;
    return isInside ? pixels[i]! : value;
  });
}

test('cuts are found in a picture that moves inside a still frame', () => {
  const film = times(120, (i) => inside(scene(i < 60 ? 1 : 2, i), MIDDLE));
  assert.deepEqual(cuts(detect(film)), [[60, 'cut']]);
});

test('cuts are found in a large picture inside a thin frame', () => {
  const film = times(120, (i) => inside(scene(i < 60 ? 1 : 2, i), { left: 6, top: 4, width: 52, height: 28 }));
  assert.deepEqual(cuts(detect(film)), [[60, 'cut']]);
});

describe('no cut is found', () => {
  test('where a large dialog opens on a still screen, and closes', () => {
    const dialog = { left: 10, top: 6, width: 32, height: 24 };
    const film = times(150, (i) => (i < 50 || i >= 100 ? scene(1) : inside(scene(2), dialog, scene(1))));
    assert.deepEqual(detect(film), []);
  });

  test('in a small picture in a corner', () => {
    const corner = { left: 44, top: 22, width: 18, height: 12 };
    assert.deepEqual(detect(times(120, (i) => inside(scene(i < 60 ? 1 : 2, i), corner))), []);
  });

  test('where somebody jumps in front of a still scene', () => {
    const jumper = (left: number, i: number) => {
      const thing = scene(4, -left + i / 4);
      return scene(9).map((value, k) => {
        const [row, column] = [Math.floor(k / (width * 3)), Math.floor(k / 3) % width];
        return Math.abs(row - height / 2) / 17 + Math.abs(column - left) / 14 < 1 ? thing[k]! : value;
      });
    };
    assert.deepEqual(detect(times(120, (i) => jumper(i < 60 ? 24 : 38, i))), []);
  });

  test('where what changes fills too little of its rectangle', () => {
    const blinds = (pixels: Pixels) =>
      frame.map((value, k) => {
        const [row, column] = [Math.floor(k / (width * 3)), Math.floor(k / 3) % width];
        const isOpen = row >= 4 && row < 32 && column >= 10 && column < 54 && (column - 10) % 10 < 5;
        return isOpen ? pixels[k]! : value;
      });
    assert.deepEqual(detect(times(120, (i) => blinds(scene(i < 60 ? 1 : 2, i)))), []);
  });

  test('where a flash lights up part of a picture', () => {
    const lit = inside(
      scene(1).map((value) => value + 120),
      MIDDLE,
      scene(1),
    );
    assert.deepEqual(detect(times(120, (i) => (i === 60 || i === 61 ? lit : scene(1)))), []);
  });
});
