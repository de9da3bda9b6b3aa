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
  picture,
  scene,
  times,
  width,
} from '../../test/support/shot-pictures.ts';
import { ShotDetector } from './shots.ts';

describe('hard cuts', () => {
  test('are found at the first picture of the new shot', () => {
    const film = [...times(40, () => scene(1)), ...times(40, () => scene(2)), ...times(40, () => scene(3))];
    assert.deepEqual(cuts(detect(film)), [
      [40, 'cut'],
      [80, 'cut'],
    ]);
  });

  test('are found between shots in motion', () => {
    const film = [...times(40, (i) => scene(1, i)), ...times(40, (i) => scene(2, -i, i / 2))];
    assert.deepEqual(cuts(detect(film)), [[40, 'cut']]);
  });

  test('are found at 2 pictures a second and at a variable frame rate', () => {
    const film = [...times(12, () => scene(1)), ...times(12, () => scene(2))];
    assert.deepEqual(cuts(detect(film, (frame) => frame / 2)), [[12, 'cut']]);
    assert.deepEqual(cuts(detect(film, (frame) => frame / 24 + (frame > 5 ? 1.7 : 0) + (frame > 15 ? 3 : 0))), [
      [12, 'cut'],
    ]);
  });

  test('are found where timestamps jump ahead or back', () => {
    const film = [...times(80, () => scene(1)), ...times(80, () => scene(2)), ...times(80, () => scene(3))];
    const jump = (frame: number) => frame / 24 + (frame >= 70 ? 95_000 : 0) - (frame >= 170 ? 94_990 : 0);
    const detector = new ShotDetector();
    const found = film.flatMap((pixels, frame) => detector.push(picture(pixels, jump(frame))));
    assert.deepEqual(cuts([...found, ...detector.end()]), [
      [80, 'cut'],
      [160, 'cut'],
    ]);
  });

  test('are found between black bars', () => {
    const boxed = (pixels: Pixels) => pixels.map((value, i) => (Math.abs(i / (width * 3) - 18) > 13 ? 0 : value));
    const film = [...times(40, () => boxed(scene(1))), ...times(40, () => boxed(scene(2)))];
    assert.deepEqual(cuts(detect(film)), [[40, 'cut']]);
  });

  test('are found to the same scene from closer by, where little moves', () => {
    const closer = (pixels: Pixels) =>
      pixels.map((_, i) => {
        const [row, column, channel] = [Math.floor(i / (width * 3)), Math.floor(i / 3) % width, i % 3];
        return pixels[((row >> 1) * width + (column >> 1)) * 3 + channel]!;
      });
    const film = [...times(40, (i) => scene(1, i / 16)), ...times(40, (i) => closer(scene(1, 2.5 + i / 16)))];
    assert.deepEqual(cuts(detect(film)), [[40, 'cut']]);
  });

  test('are found once where a flash ends a shot', () => {
    const lit = (pixels: Pixels) => pixels.map((value) => value + 150);
    const film = times(80, (i) => (i < 37 ? scene(1, i / 8) : i < 40 ? lit(scene(1, i / 8)) : scene(2, i / 8)));
    assert.deepEqual(cuts(detect(film)), [[40, 'cut']]);
  });

  test('are found between gunshots on both sides', () => {
    const fired = (pixels: Pixels) => pixels.map((value) => value + 60);
    const isFired = (i: number) => [33, 36, 42, 45].includes(i);
    const film = times(80, (i) => scene(i < 40 ? 1 : 2, (i < 40 ? 0.6 : -0.6) * i));
    assert.deepEqual(cuts(detect(film.map((pixels, i) => (isFired(i) ? fired(pixels) : pixels)))), [[40, 'cut']]);
  });

  test('are found where a blended picture lies between moving shots', () => {
    const blend = mix(scene(1, 40), scene(2), 0.5);
    const film = [...times(40, (i) => scene(1, i)), blend, ...times(40, (i) => scene(2, i))];
    assert.deepEqual(
      detect(film).map(({ frame }) => frame),
      [40],
    );
  });

  test('are found where drawings stand for two pictures', () => {
    const film = [...times(40, (i) => scene(1, 2 * (i >> 1))), ...times(40, (i) => scene(2, 2 * (i >> 1)))];
    assert.deepEqual(cuts(detect(film)), [[40, 'cut']]);
  });

  test('are found without false alarms in a fast pan that is drawn on threes', () => {
    const drawn = (seed: number, i: number) => scene(seed, 4 * Math.floor(i / 3), 3 * Math.floor(i / 3));
    const film = [...times(60, (i) => drawn(1, i)), ...times(60, (i) => drawn(2, i))];
    assert.deepEqual(cuts(detect(film)), [[60, 'cut']]);
  });

  test('are found to and from a second of a plain wall at night', () => {
    const wall = even(30).map((value, i) => value + 4 * Math.sin(i / 50));
    const film = [...times(60, () => scene(1)), ...times(24, () => wall), ...times(60, () => scene(2))];
    assert.deepEqual(cuts(detect(film)), [
      [60, 'cut'],
      [84, 'cut'],
    ]);
  });
});

describe('no boundary is reported', () => {
  test('in a static shot, with noise', () => {
    const grain = (i: number) => scene(1).map((value, k) => value + 6 * Math.sin(k * 12.9898 + i * 78.233));
    assert.deepEqual(detect(times(200, grain)), []);
  });

  test('for a flash', () => {
    const film = times(80, (i) => (i === 40 || i === 41 ? mix(scene(1), even(255), 0.8) : scene(1)));
    assert.deepEqual(detect(film), []);
  });

  test('for a flash that dies away, in a scene that moves on', () => {
    const light = (i: number) => (i < 40 ? 0 : 0.9 * Math.exp(-(i - 40) / 3));
    assert.deepEqual(detect(times(100, (i) => mix(scene(1, i / 6), even(255), light(i)))), []);
  });

  test('for a flash of a few pictures, in a scene that moves fast', () => {
    const isFlash = (i: number) => i >= 40 && i < 43;
    const film = times(80, (i) => (isFlash(i) ? mix(scene(1, 3 * i), even(255), 0.95) : scene(1, 3 * i)));
    assert.deepEqual(detect(film), []);
  });

  test('for a lamp that is switched on in the dark', () => {
    const film = times(100, (i) => dim(scene(1, i / 16), i < 50 ? 0.06 : 0.3));
    assert.deepEqual(detect(film), []);
  });

  test('for a lamp that is switched on in near blackness', () => {
    assert.deepEqual(detect(times(100, (i) => dim(scene(1), i < 50 ? 0.04 : 0.3))), []);
  });

  test('for smoke that hides the scene for a second', () => {
    const smoke = (i: number) => 0.9 * Math.sin(Math.PI * Math.min(1, Math.max(0, (i - 40) / 30)));
    assert.deepEqual(
      detect(
        times(120, (i) =>
          mix(
            scene(1, i / 16),
            scene(5).map((value) => 90 + value / 4),
            smoke(i),
          ),
        ),
      ),
      [],
    );
  });

  test('for a lost picture that is black', () => {
    assert.deepEqual(detect(times(80, (i) => (i === 40 ? even(0) : scene(1)))), []);
  });

  test('for black bars that appear and disappear', () => {
    const boxed = (pixels: Pixels, bar: number) =>
      pixels.map((value, i) => (i / (width * 3) < bar || i / (width * 3) >= height - bar ? 0 : value));
    const film = (bar: (i: number) => number) => times(160, (i) => boxed(scene(1, i / 16), bar(i)));
    assert.deepEqual(detect(film((i) => (i < 50 || i >= 110 ? 0 : 5))), []);
    assert.deepEqual(detect(film((i) => Math.min(5, Math.max(0, (i - 50) / 4)))), []);
  });

  test('for a pan', () => {
    assert.deepEqual(detect(times(120, (i) => scene(1, i < 30 ? 0 : 1.5 * Math.min(60, i - 30)))), []);
  });

  test('for an object that jumps in front of a plain wall, drawn on threes', () => {
    const jumper = (left: number) => {
      const object = scene(4, -left);
      return even(150).map((value, i) => (Math.abs((Math.floor(i / 3) % width) - left) < 8 ? object[i]! : value));
    };
    const jumps = (i: number) => Math.floor(Math.min(15, Math.max(0, i - 40)) / 3);
    assert.deepEqual(detect(times(90, (i) => jumper(14 + 8 * jumps(i)))), []);
  });

  test('for light that fades', () => {
    assert.deepEqual(detect(times(120, (i) => dim(scene(1), 1 - Math.min(60, i) / 90))), []);
  });

  test('for a title over the scene', () => {
    const title = (share: number) =>
      scene(1).map((value, i) => {
        const [row, column] = [Math.floor(i / (width * 3)), Math.floor(i / 3) % width];
        return row > 24 && row < 31 && column > 12 && column < 50 && column % 3 > 0
          ? value * (1 - share) + 250 * share
          : value;
      });
    assert.deepEqual(detect(times(100, (i) => title(Math.min(1, Math.max(0, (i - 40) / 12))))), []);
    assert.deepEqual(detect(times(100, (i) => title(i < 40 ? 0 : 1))), []);
  });

  test('for lines of white text over a scene at night', () => {
    const lines = (share: number, seed = 1) =>
      dim(scene(seed), 0.1).map((value, i) => {
        const [row, column] = [Math.floor(i / (width * 3)), Math.floor(i / 3) % width];
        const isText = row > 16 && row < 30 && row % 7 > 2 && column > 12 && column < 50 && column % 3 > 0;
        return isText ? value * (1 - share) + 250 * share : value;
      });
    assert.deepEqual(detect(times(100, (i) => lines(Math.min(1, Math.max(0, (i - 40) / 12))))), []);
    assert.deepEqual(detect(times(100, (i) => lines(i < 40 ? 0 : 1))), []);
    assert.deepEqual(detect(times(41, (i) => lines(i < 40 ? 0 : 1, 5))), [], 'in the very last picture');
  });
});

describe('gradual transitions', () => {
  for (const length of [4, 12, 30, 60]) {
    test(`a dissolve of ${length} pictures is one boundary, in the middle of it`, () => {
      const share = (i: number) => Math.min(1, Math.max(0, (i - 60) / length));
      const found = detect(times(180, (i) => mix(scene(1, i / 8), scene(2), share(i))));
      assert.equal(found.length, 1);
      const { frame, startFrame, endFrame, transition } = found[0]!;
      assert.equal(transition, 'gradual');
      assert.ok(Math.abs(frame - 60 - length / 2) <= 1 + length / 10, `at ${frame}`);
      assert.ok(startFrame >= 60 && endFrame <= 60 + length + 1, `from ${startFrame} to ${endFrame}`);
    });
  }

  test('the longest dissolve is reported before it is too late', () => {
    const share = (i: number) => Math.min(1, Math.max(0, (i - 60) / 74));
    const found = detect(
      times(300, (i) => mix(scene(1, i / 30), scene(2, i / 30), share(i))),
      (frame) => frame / 30,
    );
    assert.equal(found.length, 1);
  });

  test('a wipe between moving shots is one boundary inside it', () => {
    const film = times(140, (i) => {
      const [a, b] = [scene(1, i / 16), scene(2, 0, i / 16)];
      return a.map((value, k) => (Math.floor(k / 3) % width < ((i - 60) / 24) * width ? b[k]! : value));
    });
    const found = detect(film);
    assert.equal(found.length, 1);
    assert.ok(found[0]!.transition === 'gradual' && found[0]!.frame > 60 && found[0]!.frame < 84);
  });

  test('a wipe is one boundary inside it', () => {
    const wiped = (i: number) => {
      const [a, b] = [scene(1), scene(2)];
      return a.map((value, k) => (Math.floor(k / 3) % width < ((i - 60) / 24) * width ? b[k]! : value));
    };
    const found = detect(times(140, wiped));
    assert.equal(found.length, 1);
    assert.ok(found[0]!.transition === 'gradual' && found[0]!.frame > 60 && found[0]!.frame < 84);
  });
});

test('boundaries are settled within ten seconds of film, and a stream without pictures has none', () => {
  const detector = new ShotDetector();
  assert.deepEqual(detector.end(), []);
  const still = picture(scene(1), 0);
  for (let frame = 0; frame < 24 * 60; frame++) {
    detector.push({ ...still, timeSec: frame / 24 });
    if (frame > 240) assert.ok(frame / 24 - detector.settledSec < 10);
  }
});

describe('in the dark', () => {
  const noise = (k: number) => {
    const value = Math.sin(k * 12.9898) * 43758.5453;
    return value - Math.floor(value);
  };
  /** A scene in near darkness, with noise that stands still until a key frame renews it. */
  const night = (contrast: number, strength: number) => (i: number) =>
    dim(scene(1), contrast).map((value, k) => value + 8 + strength * (noise(k + 7919 * Math.floor(i / 50)) - 0.5));

  test('noise that a key frame renews is no boundary', () => {
    assert.deepEqual(detect(times(200, night(0.04, 14))), [], 'weak noise');
    assert.deepEqual(detect(times(200, night(0.03, 24))), [], 'strong noise, which looks like text');
  });

  test('cuts are found', () => {
    const film = times(140, (i) => dim(scene(i < 70 ? 1 : 2, i / 16), 0.15));
    assert.deepEqual(cuts(detect(film)), [[70, 'cut']]);
  });
});

test('a boundary is returned once no earlier one can follow', () => {
  const share = (i: number) => Math.min(1, Math.max(0, (i - 120) / 24));
  const film = times(400, (i) => {
    if (i < 60) return scene(1);
    if (i < 200) return mix(scene(2), scene(3), share(i));
    return i < 220 ? mix(scene(3), even(0), (i - 200) / 20) : i < 230 ? even(0) : scene(4);
  });
  const detector = new ShotDetector();
  const found = film.flatMap((pixels, frame) => {
    const boundaries = detector.push(picture(pixels, frame / 24));
    for (const { timeSec } of boundaries) assert.ok(timeSec < detector.settledSec, `${timeSec}`);
    return boundaries;
  });
  assert.equal(found.length, 3);
  assert.deepEqual(detector.end(), []);
  assert.equal(detector.settledSec, Number.POSITIVE_INFINITY);
});

test('an observer gets the change and threshold of every picture but the first, and scores in order', () => {
  const share = (i: number) => Math.min(1, Math.max(0, (i - 80) / 24));
  const film = times(150, (i) => (i < 40 ? scene(1, 12 * (i % 2)) : mix(scene(2), scene(3), share(i))));
  const changes: number[][] = [];
  const scores: number[][] = [];
  const observer = {
    change: (frame: number, size: number, threshold: number) => changes.push([frame, size, threshold]),
    gradual: (frame: number, score: number) => scores.push([frame, score]),
  };
  const detector = new ShotDetector({ observer });
  film.forEach((pixels, frame) => {
    detector.push(picture(pixels, frame / 24));
  });
  detector.end();
  assert.deepEqual(
    changes.map(([frame]) => frame),
    times(149, () => even(0)).map((_, i) => i + 1),
  );
  const [, size, threshold] = changes[39]!;
  assert.ok(size! > 40 && threshold! > 30, `${size} and ${threshold}`);
  assert.ok(changes[60]![1]! < 0.01 && changes[60]![2] === 20);
  // Two of three pictures at 24 a second are on the grid of 15.
  assert.equal(scores.length, 75);
  assert.deepEqual(
    scores.map(([frame]) => frame),
    times(75, () => even(0)).map((_, i) => 2 * i),
  );
  assert.equal(scores.reduce((best, each) => (each[1]! > best[1]! ? each : best))[0], 96);
});
