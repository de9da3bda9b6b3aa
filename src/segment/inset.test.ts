import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  cuts,
  detect,
  even,
  height,
  type Pixels,
  picture,
  scene,
  times,
  width,
} from '../../test/support/shot-pictures.ts';
import { isInsetCut } from './inset.ts';
import { RULES } from './rules.ts';
import { Signature } from './signature.ts';
import { Timeline } from './timeline.ts';

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}
const MIDDLE: Box = { left: 14, top: 8, width: 36, height: 20 };

/** Still surroundings: stripes and plain blocks. */
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

test('cuts are found beside strong detail that blurs into the outermost pixels of the inset', () => {
  const tile = (row: number, column: number) =>
    Math.sin(Math.floor(row / 3) * 12.9898 + Math.floor(column / 3) * 78.233);
  const texture = frame.map((_, i) => {
    const noise = tile(Math.floor(i / (width * 3)), Math.floor(i / 3) % width) * 43758.5453;
    return noise - Math.floor(noise) < 0.5 ? 0 : 255;
  });
  // Smooth shots at an odd position: half of each edge pixel of 32 × 18 is surroundings.
  const soft = (seed: number, i: number) => scene(seed, i / 4).map((value) => 110 + (value - 110) / 2);
  const box = { left: 13, top: 7, width: 38, height: 22 };
  const film = times(120, (i) => inside(soft(i < 60 ? 1 : 2, i), box, texture));
  assert.deepEqual(cuts(detect(film)), [[60, 'cut']]);
});

test('cuts are found where a clock in the surroundings changes with the inset', () => {
  const clock = { left: 56, top: 32, width: 6, height: 2 };
  const film = times(110, (i) => inside(even(i < 60 ? 30 : 200), clock, inside(scene(i < 60 ? 1 : 2, i), MIDDLE)));
  assert.deepEqual(cuts(detect(film)), [[60, 'cut']]);
});

test('cuts are found where compression changes the surroundings a little', () => {
  const noise = (k: number, i: number) => {
    const value = Math.sin(k * 12.9898 + i * 78.233) * 43758.5453;
    return 10 * (value - Math.floor(value) - 0.5);
  };
  const film = times(110, (i) => inside(scene(i < 60 ? 1 : 2, i), MIDDLE).map((value, k) => value + noise(k, i)));
  assert.deepEqual(cuts(detect(film)), [[60, 'cut']]);
});

test('text over a still picture is no cut: it leaves gaps that only the fine planes show', () => {
  const box = { left: 10, top: 8, width: 44, height: 20 };
  const still = scene(1).map((value) => 90 + (value - 110) / 2);
  const strokes = still.map((value, i) => (Math.floor(i / 3) % 2 ? 250 : value));
  const timeline = new Timeline(RULES);
  for (let i = 0; i < 50; i++) {
    const pixels = i < 25 ? still : inside(strokes, box, still);
    timeline.append(new Signature(picture(pixels, i / 24), i / 24));
  }
  assert.equal(isInsetCut(timeline, 25), false);
});

describe('no cut is found', () => {
  test('where the surroundings change a moment later', () => {
    const lit = frame.map((value) => value + 40);
    const film = times(110, (i) => inside(scene(i < 60 ? 1 : 2, i), MIDDLE, i < 68 ? frame : lit));
    assert.deepEqual(detect(film), []);
  });

  test('in an inset just below the least area', () => {
    const small = { left: 40, top: 20, width: 22, height: 14 };
    assert.deepEqual(detect(times(110, (i) => inside(scene(i < 60 ? 1 : 2, i), small))), []);
  });

  test('where wide strips of a picture do not change', () => {
    const strips = (pixels: Pixels) =>
      frame.map((value, k) => {
        const [row, column] = [Math.floor(k / (width * 3)), Math.floor(k / 3) % width];
        const isOpen = row >= 4 && row < 32 && column >= 10 && column < 54 && (column - 10) % 12 < 8;
        return isOpen ? pixels[k]! : value;
      });
    assert.deepEqual(detect(times(110, (i) => strips(scene(i < 60 ? 1 : 2, i)))), []);
  });

  test('where an inset moves fast at four pictures a second', () => {
    const film = times(30, (i) => inside(scene(1, 9 * i), MIDDLE));
    assert.deepEqual(
      detect(film, (i) => i / 4),
      [],
    );
  });

  test('where an inset is interrupted for ten of sixty pictures a second', () => {
    const film = times(120, (i) => inside(scene(i >= 60 && i < 70 ? 2 : 1, i / 8), MIDDLE));
    assert.deepEqual(
      detect(film, (i) => i / 60),
      [],
    );
  });

  test('where a large dialog opens on a still screen, and closes', () => {
    const dialog = { left: 10, top: 6, width: 32, height: 24 };
    const film = times(150, (i) => (i < 50 || i >= 100 ? scene(1) : inside(scene(2), dialog, scene(1))));
    assert.deepEqual(detect(film), []);
  });

  test('in a small picture in a corner', () => {
    const corner = { left: 44, top: 22, width: 18, height: 12 };
    assert.deepEqual(detect(times(120, (i) => inside(scene(i < 60 ? 1 : 2, i), corner))), []);
  });

  test('where an object jumps in front of a still scene', () => {
    const jumper = (left: number, i: number) => {
      const object = scene(4, -left + i / 4);
      return scene(9).map((value, k) => {
        const [row, column] = [Math.floor(k / (width * 3)), Math.floor(k / 3) % width];
        return Math.abs(row - height / 2) / 17 + Math.abs(column - left) / 14 < 1 ? object[k]! : value;
      });
    };
    assert.deepEqual(detect(times(120, (i) => jumper(i < 60 ? 24 : 38, i))), []);
  });

  test('where the changed pixels fill too little of their rectangle', () => {
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
