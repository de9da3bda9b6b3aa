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

test('a fade through black or white is one boundary, at the first visible picture', () => {
  for (const value of [0, 255]) {
    const share = (i: number) => (i < 60 ? 0 : i < 80 ? (i - 59) / 20 : i < 90 ? 1 : Math.max(0, 1 - (i - 89) / 20));
    const found = detect(times(170, (i) => mix(scene(i < 85 ? 1 : 2), even(value), share(i))));
    assert.equal(found.length, 1);
    const { frame, startFrame, endFrame, transition } = found[0]!;
    assert.equal(transition, 'gradual');
    assert.ok(frame >= 90 && frame <= 92, `at ${frame}`);
    assert.ok(
      startFrame >= 59 && startFrame <= 64 && endFrame >= 104 && endFrame <= 110,
      `${startFrame} to ${endFrame}`,
    );
  }
});

test('cuts at the far ends of a fade-out and a fade-in are boundaries', () => {
  const film = [
    ...times(60, () => scene(1)),
    ...times(24, (i) => mix(scene(2), even(0), i / 24)),
    ...times(6, () => even(0)),
    ...times(24, (i) => mix(even(0), scene(3), i / 24)),
    ...times(60, () => scene(1)),
  ];
  const found = detect(film);
  assert.deepEqual(
    found.map(({ transition }) => transition),
    ['cut', 'gradual', 'cut'],
  );
  assert.deepEqual([found[0]!.frame, found[2]!.frame], [60, 114]);
});

test('a fade-in at the start and a fade-out at the end are no boundaries', () => {
  const share = (i: number) => (i < 20 ? 1 - i / 20 : i > 100 ? Math.min(1, (i - 100) / 20) : 0);
  assert.deepEqual(detect(times(140, (i) => mix(scene(1), even(0), share(i)))), []);
});

test('a second of black between two shots is one boundary, at the new shot', () => {
  const film = [...times(60, () => scene(1)), ...times(24, () => even(0)), ...times(60, () => scene(2))];
  assert.deepEqual(cuts(detect(film)), [[84, 'cut']]);
});

test('black pictures before the first shot are no shot', () => {
  assert.deepEqual(detect([...times(6, () => even(0)), ...times(80, () => scene(1))]), []);
});

test('a shot that starts in the dark starts there, not where a lamp is switched on', () => {
  const film = times(100, (i) => (i < 50 ? scene(2) : dim(scene(1), i < 65 ? 0.04 : 0.5)));
  assert.deepEqual(cuts(detect(film)), [[50, 'cut']]);
});

test('black that lasts is part of the new shot, which starts at the cut to black', () => {
  const black = [...times(60, () => scene(1)), ...times(40, () => even(0))];
  const film = [...black, ...times(60, (i) => mix(even(0), scene(2), Math.min(1, i / 20)))];
  assert.deepEqual(cuts(detect(film)), [[60, 'cut']]);
});

/** White text on black. */
const line = even(0).map((value, i) =>
  i / (width * 3) > 16 && i / (width * 3) < 19 && (i / 3) % width > 22 && (i / 3) % width < 42 ? 230 : value,
);

test('a title card between two fades is a separate shot', () => {
  const film = [
    ...times(60, () => scene(1)),
    ...times(20, (i) => mix(scene(1), even(0), i / 20)),
    ...times(20, (i) => mix(even(0), line, i / 20)),
    ...times(40, () => line),
    ...times(20, (i) => mix(line, even(0), i / 20)),
    ...times(20, (i) => mix(even(0), scene(2), i / 20)),
    ...times(60, () => scene(2)),
  ];
  const found = detect(film);
  assert.equal(found.length, 2);
  assert.ok(found[0]!.frame >= 78 && found[0]!.frame <= 92, `title at ${found[0]!.frame}`);
  assert.ok(found[1]!.frame >= 158 && found[1]!.frame <= 166, `shot at ${found[1]!.frame}`);
});

test('a title card that fades in from white is one boundary, where it becomes visible', () => {
  for (const fade of [1, 3, 12]) {
    const film = [
      ...times(40, () => scene(1)),
      ...times(6, (i) => mix(scene(1), even(250), (i + 1) / 7)),
      ...times(4, () => even(250)),
      ...times(fade, (i) => mix(even(250), line, (i + 1) / (fade + 1))),
      ...times(30, () => line),
      ...times(40, () => scene(2)),
    ];
    const frames = detect(film).map(({ frame }) => frame);
    assert.equal(frames.length, 2, `${frames}`);
    assert.ok(frames[0]! >= 50 && frames[0]! <= 54 && frames[1] === 80 + fade, `${frames}`);
  }
});

test('a title card whose text appears near the end of a fade from white is one boundary', () => {
  const written = (i: number) => (i < 20 ? even(0) : line);
  const film = [
    ...times(40, () => scene(1)),
    ...times(6, () => even(250)),
    ...times(24, (i) => mix(even(250), written(i), (i + 1) / 25)),
    ...times(30, () => line),
    ...times(40, () => scene(2)),
  ];
  const frames = detect(film).map(({ frame }) => frame);
  assert.deepEqual(frames, [66, 100]);
});

test('a fade to black that lasts for seconds is one boundary, where the next shot becomes visible', () => {
  const film = [
    ...times(60, () => scene(1)),
    ...times(12, (i) => mix(scene(1), even(0), (i + 1) / 13)),
    ...times(200, () => even(0)),
    ...times(60, () => scene(2)),
  ];
  assert.deepEqual(
    detect(film).map(({ frame }) => frame),
    [272],
  );
});

describe('at the very end of a film there is no boundary', () => {
  const ended = (blank: number, fade: number, rest: number) => [
    ...times(72, () => scene(3)),
    ...times(fade, (i) => mix(scene(3), even(blank), (i + 1) / (fade + 1))),
    ...times(rest, () => even(blank)),
  ];

  test('at the last picture of a fade to black or white', () => {
    for (const blank of [0, 250])
      for (const fade of [1, 4, 24]) assert.deepEqual(detect(ended(blank, fade, 3)), [], `${fade} to ${blank}`);
  });

  test('at a cut to black that is shorter than a card', () => {
    for (const rest of [1, 30]) assert.deepEqual(detect(ended(0, 0, rest)), [], `${rest}`);
  });
});

describe('blank pictures', () => {
  /** True if pictures between two shots are a gap: one boundary where they end, not one at either end. */
  const isGap = (between: Pixels, count = 16) => {
    const film = [...times(50, () => scene(1)), ...times(count, () => between), ...times(50, () => scene(2))];
    const frames = detect(film).map(({ frame }) => frame);
    assert.equal(frames.at(-1), 50 + count);
    assert.ok(frames.length === 1 || (frames.length === 2 && frames[0] === 50), `${frames}`);
    return frames.length === 1;
  };
  /** Left and right half of another luma: the contrast is half of the difference. */
  const halves = (left: number, right: number) => even(0).map((_, i) => ((i / 3) % width < width / 2 ? left : right));
  /** White rows of the planes on black. */
  const lined = (share: number, black = 0) =>
    even(black).map((value, i) => (i / 3 >= (1 - share) * width * height ? 250 : value));

  test('are black or white with a contrast below 2', () => {
    assert.deepEqual([isGap(halves(16, 19)), isGap(halves(240, 243)), isGap(halves(226, 229))], [true, true, true]);
    assert.deepEqual([isGap(halves(10, 16)), isGap(halves(240, 245)), isGap(halves(222, 225))], [false, false, false]);
  });

  test('have any luma with a contrast below 0.6', () => {
    assert.deepEqual([isGap(even(120)), isGap(halves(120, 121)), isGap(halves(120, 122))], [true, true, false]);
    assert.deepEqual([isGap(halves(19, 21)), isGap(halves(23, 25))], [true, false]);
  });

  test('are black with text on up to 8 % of the picture', () => {
    assert.deepEqual([isGap(lined(1 / 18), 8), isGap(lined(2 / 18), 8)], [true, false]);
    assert.deepEqual([isGap(lined(1 / 18, 20), 8), isGap(lined(1 / 18, 23), 8)], [true, false]);
  });

  test('are a gap for up to a second and a half, and then a card', () => {
    assert.deepEqual([isGap(even(0), 36), isGap(even(0), 37)], [true, false]);
  });
});

test('half a second of black within one scene is a blink, and longer is a boundary', () => {
  const film = (count: number) => times(100 + count, (i) => (i >= 50 && i < 50 + count ? even(0) : scene(1)));
  assert.deepEqual(detect(film(11)), []);
  assert.deepEqual(detect(film(11).map((pixels, i) => (i < 61 ? pixels : pixels.map((value) => 0.8 * value)))), []);
  const moved = (count: number) =>
    times(100 + count, (i) => (i >= 50 && i < 50 + count ? even(0) : scene(1, i < 50 ? 0 : 8)));
  assert.deepEqual(detect(moved(11)), []);
  assert.deepEqual(cuts(detect(moved(13))), [[63, 'cut']]);
  assert.deepEqual(detect(film(13)), [], 'the very same picture returns');
});

test('a fade is followed for up to three seconds', () => {
  const fade = (count: number) => [
    ...times(60, () => scene(1)),
    ...times(count, (i) => mix(scene(1), even(0), (i + 1) / (count + 1))),
    ...times(8, () => even(0)),
    ...times(60, () => scene(2)),
  ];
  const extent = (count: number) =>
    detect(fade(count)).map(({ startFrame, frame, endFrame }) => [startFrame, frame, endFrame]);
  assert.deepEqual(extent(12), [[59, 80, 80]]);
  assert.deepEqual(extent(66), [[62, 134, 134]]);
  assert.deepEqual(extent(96), [[83, 164, 164]]);
});
