import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  cuts,
  detect,
  dim,
  even,
  height,
  mix,
  type Pixels,
  scene,
  times,
  width,
} from '../../test/support/shot-pictures.ts';

/** A slide: lines of words on paper, below a bar that all slides share. @param seed selects the words */
function slide(seed: number, lines = 5, paper = 250, ink = 20): Pixels {
  return even(paper).map((value, i) => {
    const [row, column] = [Math.floor(i / (width * 3)), Math.floor(i / 3) % width];
    if (row < 4) return 60;
    const line = Math.floor((row - 8) / 5);
    if (row < 8 || (row - 8) % 5 > 1 || line >= lines || column < 4 || column > 50) return value;
    const word = Math.sin(seed * 12.9898 + line * 78.233 + Math.floor(column / 2) * 37.719) * 43758.5453;
    return word - Math.floor(word) < 0.6 ? ink : value;
  });
}

/** A patch of moving video in the lower right corner. */
function withCamera(pixels: Pixels, i: number): Pixels {
  const camera = scene(7, 2 * i);
  return pixels.map((value, k) => {
    const [row, column] = [Math.floor(k / (width * 3)), Math.floor(k / 3) % width];
    return row > height - 11 && column > width - 18 ? camera[k]! : value;
  });
}

describe('a new slide is a boundary', () => {
  test('where paper and title bar stay', () => {
    const film = [...times(50, () => slide(1)), ...times(50, () => slide(2)), ...times(50, () => slide(3, 3))];
    assert.deepEqual(cuts(detect(film)), [
      [50, 'cut'],
      [100, 'cut'],
    ]);
  });

  test('in white on black', () => {
    const film = times(150, (i) => slide(1 + Math.floor(i / 50), 5, 6, 200));
    assert.deepEqual(cuts(detect(film)), [
      [50, 'cut'],
      [100, 'cut'],
    ]);
  });

  test('beside a camera on the speaker', () => {
    const film = times(100, (i) => withCamera(slide(i < 50 ? 1 : 2), i));
    assert.deepEqual(cuts(detect(film)), [[50, 'cut']]);
  });

  test('in a stream with one picture for each slide', () => {
    const film = [1, 2, 3].map((seed) => slide(seed));
    assert.deepEqual(cuts(detect(film, (frame) => 7 * frame)), [
      [1, 'cut'],
      [2, 'cut'],
    ]);
  });
});

describe('a dissolve between slides', () => {
  test('is one gradual boundary', () => {
    const share = (i: number) => Math.min(1, Math.max(0, (i - 50) / 12));
    const found = detect(times(120, (i) => mix(slide(1), slide(2), share(i))));
    assert.equal(found.length, 1);
    const { frame, startFrame, endFrame, transition } = found[0]!;
    assert.equal(transition, 'gradual');
    assert.ok(startFrame >= 50 && frame > 52 && frame < 60 && endFrame <= 63, `${startFrame}, ${frame}, ${endFrame}`);
  });

  test('is the same wherever decoding starts', () => {
    // Its end is detectable for less than a second, so not every step of the search falls there.
    const share = (i: number) => Math.min(1, Math.max(0, (i - 60) / 22));
    const film = times(130, (i) => mix(slide(1), slide(2), share(i)));
    const from = (first: number) =>
      detect(film.slice(first), (frame) => (frame + first) / 24).map(({ timeSec, startFrame, endFrame }) => {
        return [timeSec, startFrame + first, endFrame + first];
      });
    const whole = from(0);
    assert.equal(whole.length, 1);
    for (let first = 1; first <= 4; first++) assert.deepEqual(from(first), whole, `from picture ${first}`);
  });

  test('is not found where a line fades in, or the slide is dimmed slowly', () => {
    const share = (i: number) => Math.min(1, Math.max(0, (i - 50) / 12));
    assert.deepEqual(detect(times(120, (i) => mix(slide(1, 3), slide(1, 4), share(i)))), []);
    assert.deepEqual(detect(times(120, (i) => dim(slide(1), 1 - share(i) / 2))), []);
  });

  test('is not found where text is scrolled smoothly', () => {
    const scrolled = (down: number) => {
      const page = slide(1, 20);
      return page.map((_, i) => {
        const [row, rest] = [Math.floor(i / (width * 3)), i % (width * 3)];
        return row < 8 ? 60 : page[(8 + ((row - 8 + Math.round(down)) % (height - 8))) * width * 3 + rest]!;
      });
    };
    const down = (i: number) => Math.min(13, Math.max(0, i - 50));
    assert.deepEqual(detect(times(120, (i) => scrolled(down(i)))), []);
  });
});

describe('a change of a slide is no boundary', () => {
  test('where lines are added or removed one by one', () => {
    assert.deepEqual(detect(times(200, (i) => slide(1, 1 + Math.floor(i / 40)))), []);
    assert.deepEqual(detect(times(200, (i) => slide(1, 5 - Math.floor(i / 40)))), []);
  });

  test('where it is dimmed', () => {
    assert.deepEqual(detect(times(100, (i) => (i < 50 ? slide(1) : dim(slide(1), 0.5)))), []);
  });

  test('where text is scrolled in steps', () => {
    const steps = (i: number) => Math.floor(Math.min(40, Math.max(0, i - 50)) / 5);
    assert.deepEqual(detect(times(150, (i) => slide(steps(i)))), []);
  });

  test('where a film moves over more than a third of the picture', () => {
    const [old, other] = [slide(1), slide(2)];
    // Three rows lower, so that no ink stays in place.
    const fresh = other.map((_, k) => other[(k + 3 * width * 3) % other.length]!);
    const film = (i: number) => {
      const moving = scene(7, 2 * i);
      return (i < 50 ? old : fresh).map((value, k) => (Math.floor(k / 3) % width > 0.62 * width ? moving[k]! : value));
    };
    assert.deepEqual(detect(times(100, film)), []);
  });

  test('where only an icon changes', () => {
    const icon = (seed: number) =>
      even(250).map((value, i) => {
        const [row, column] = [Math.floor(i / (width * 3)), Math.floor(i / 3) % width];
        if (row < 30 || row > 33 || column < 58 || column > 62) return value;
        return (row * seed + column) % 3 === 0 ? 20 : value;
      });
    assert.deepEqual(detect(times(100, (i) => icon(i < 50 ? 1 : 2))), []);
  });

  test('in the first half second, when no pixel is known to stand still', () => {
    assert.deepEqual(detect(times(100, (i) => (i < 8 ? slide(1) : slide(2)))), []);
  });
});
