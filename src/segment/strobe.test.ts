import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cuts, detect, dim, type Pixels, scene, times } from '../../test/support/shot-pictures.ts';

const isOn = (i: number, period: number, on: number) => i % period < on;
const lit = (pixels: Pixels, gain: number) => pixels.map((value) => value * gain);
const coloured = (pixels: Pixels, colour: readonly number[]) => pixels.map((value, i) => value * colour[i % 3]!);

describe('cuts are found', () => {
  test('between flashes in the dark', () => {
    const show = (i: number) =>
      isOn(i, 12, 4) ? scene(i < 64 ? 1 : 2, i / 8) : dim(scene(i < 64 ? 1 : 2, i / 8), 0.12);
    assert.deepEqual(cuts(detect(times(150, show))), [[64, 'cut']]);
  });

  test('under alternating lamps of two colours', () => {
    const [red, blue] = [
      [1.1, 0.25, 0.4],
      [0.3, 0.5, 1.2],
    ];
    const show = (i: number) => coloured(scene(i < 63 ? 1 : 2, i / 8), isOn(i, 8, 4) ? red! : blue!);
    assert.deepEqual(cuts(detect(times(150, show))), [[63, 'cut']]);
  });

  test('under a strobe that whitens most of the picture', () => {
    const show = (i: number) => (isOn(i, 5, 2) ? lit(scene(i < 62 ? 1 : 2, i / 8), 3) : scene(i < 62 ? 1 : 2, i / 8));
    assert.deepEqual(cuts(detect(times(150, show))), [[62, 'cut']]);
  });

  test('where flashes burn out the whole picture', () => {
    const show = (i: number) => {
      const shot = scene(i < 62 ? 1 : 2, i / 8);
      return isOn(i, 5, 2) ? lit(shot, 8).map((value) => value + 150) : shot;
    };
    assert.deepEqual(cuts(detect(times(150, show))), [[62, 'cut']]);
  });
});

describe('cuts are found at the limits of the rhythm', () => {
  test('where the lights stop alternating just after the cut', () => {
    const red = [1.1, 0.25, 0.4];
    const blue = [0.3, 0.5, 1.2];
    const show = (i: number) => {
      const shot = scene(i < 63 ? 1 : 2, i / 8);
      return i >= 66 ? shot : coloured(shot, isOn(i, 8, 4) ? red : blue);
    };
    assert.deepEqual(cuts(detect(times(130, show))), [[63, 'cut']]);
  });

  test('where the picture is almost black between flashes', () => {
    const show = (i: number) => {
      const shot = scene(i < 66 ? 1 : 2, i / 8);
      return isOn(i, 12, 4) ? shot : dim(shot, 0.07);
    };
    assert.deepEqual(cuts(detect(times(150, show))), [[66, 'cut']]);
  });
});

describe('no cut is found', () => {
  test('under a strobe', () => {
    assert.deepEqual(detect(times(150, (i) => (isOn(i, 5, 2) ? lit(scene(1, i / 8), 3) : scene(1, i / 8)))), []);
    assert.deepEqual(detect(times(150, (i) => (isOn(i, 12, 4) ? scene(1, i / 8) : dim(scene(1, i / 8), 0.12)))), []);
  });

  test('where another picture interrupts a scene between flashes for a moment', () => {
    const show = (i: number) => {
      const shot = scene(i >= 60 && i < 67 ? 2 : 1, i / 8);
      return isOn(i, 12, 4) ? shot : dim(shot, 0.12);
    };
    assert.deepEqual(detect(times(110, show)), []);
  });

  test('where a strobe starts, or ends', () => {
    const show = (i: number) => (i > 60 && i < 110 && isOn(i, 8, 4) ? lit(scene(1, i / 8), 2.5) : scene(1, i / 8));
    assert.deepEqual(detect(times(170, show)), []);
  });
});
