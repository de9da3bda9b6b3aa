import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { even, height, type Pixels, picture, scene, width } from '../../test/support/shot-pictures.ts';
import { COARSE_PIXELS, PLANE_HEIGHT, PLANE_WIDTH, Signature, WHOLE_AREA, withoutEdges } from './signature.ts';

const signature = (pixels: Pixels) => new Signature(picture(pixels, 7), 3);
/** Each pixel of 64 × 36 from its column, row and channel. */
const painted = (value: (x: number, y: number, channel: number) => number): Pixels =>
  even(0).map((_, i) => value(Math.floor(i / 3) % width, Math.floor(i / (width * 3)), i % 3));
const coloured = (colour: readonly [red: number, green: number, blue: number]) =>
  painted((_x, _y, channel) => colour[channel]!);
const INNER = { top: 3, bottom: 15, left: 4, right: 30 };

test('luma and colour differences follow BT.601, full range', () => {
  const planes = (colour: readonly [number, number, number]) => {
    const { luma, blue, red } = signature(coloured(colour));
    return [luma[100], blue[200], red[300]];
  };
  assert.deepEqual(planes([255, 0, 0]), [77, 85, 255]);
  assert.deepEqual(planes([0, 255, 0]), [149, 43, 21]);
  assert.deepEqual(planes([0, 0, 255]), [29, 255, 107]);
  assert.deepEqual(planes([200, 200, 200]), [200, 128, 128]);
});

test('pixels of the planes are means of 2 × 2 pixels, coarse ones of 4 × 4, fine ones of 1', () => {
  const { luma, coarse, fine } = signature(painted((x, y) => 2 * x + y));
  assert.equal(luma.length, PLANE_WIDTH * PLANE_HEIGHT);
  // Columns 10 and 11, rows 6 and 7: 20 + 1 + 6.5, rounded.
  assert.equal(luma[3 * PLANE_WIDTH + 5], 28);
  // Columns 8 to 11, rows 4 to 7: 19 + 5.5.
  assert.equal(coarse[1 * (PLANE_WIDTH / 2) + 2], 25);
  assert.deepEqual([...coarse.slice(COARSE_PIXELS, COARSE_PIXELS + 2), coarse.at(-1)], [128, 128, 128]);
  assert.equal(fine[5 * width + 9], 23);
  assert.equal(fine.length, width * height);
});

test('each coarse plane has its own colour', () => {
  const { coarse } = signature(coloured([255, 0, 0]));
  assert.deepEqual([coarse[0], coarse[COARSE_PIXELS], coarse[2 * COARSE_PIXELS]], [77, 85, 255]);
  assert.deepEqual([coarse[COARSE_PIXELS - 1], coarse[2 * COARSE_PIXELS - 1], coarse.at(-1)], [77, 85, 255]);
});

test('the pattern has no brightness, and contrast in units of its deviation', () => {
  const { mean, contrast, pattern } = signature(painted((x) => (x < width / 2 ? 100 : 200)));
  assert.equal(mean, 150);
  assert.equal(contrast, 50);
  // ±50 × 64 / (50 + 4), towards 0.
  assert.deepEqual([pattern[0], pattern[PLANE_WIDTH - 1]], [-59, 59]);
});

describe('an area', () => {
  test('limits mean, contrast, pattern and cropped luma', () => {
    const cropped = signature(painted((x, y) => (x >= 8 && x < 60 && y >= 6 && y < 30 ? (x < 34 ? 90 : 110) : 0)));
    assert.ok(cropped.mean < 60);
    cropped.crop(INNER);
    assert.equal(cropped.mean, 100);
    assert.equal(cropped.contrast, 10);
    const at = (row: number, column: number) => row * PLANE_WIDTH + column;
    const { pattern, croppedLuma } = cropped;
    assert.deepEqual([pattern[at(3, 4)], pattern[at(14, 29)]], [-45, 45]);
    assert.deepEqual([croppedLuma[at(3, 4)], croppedLuma[at(14, 29)]], [90, 110]);
    for (const place of [at(2, 4), at(3, 3), at(15, 29), at(14, 30)])
      assert.deepEqual([pattern[place], croppedLuma[place]], [0, 0]);
  });

  test('is the whole picture at first, where cropped luma is the plane itself', () => {
    const whole = signature(scene(1));
    assert.equal(whole.area, WHOLE_AREA);
    assert.equal(whole.croppedLuma, whole.luma);
    assert.deepEqual([whole.timeSec, whole.clockSec], [7, 3]);
  });

  test('changes detail that was computed before', () => {
    const picture = signature(scene(1));
    const [detail, fineDetail] = [picture.detail, picture.fineDetail];
    assert.equal(picture.detail, detail);
    picture.crop(INNER);
    assert.notDeepEqual(picture.detail, detail);
    assert.notDeepEqual(picture.fineDetail, fineDetail);
    assert.equal(picture.detail[2 * PLANE_WIDTH + 10], 0);
    assert.equal(picture.fineDetail[5 * width + 20], 0);
  });

  test('without its edges is one line smaller on each side inside the picture', () => {
    assert.deepEqual(withoutEdges(INNER), { top: 4, bottom: 14, left: 5, right: 29 });
    assert.deepEqual(withoutEdges(WHOLE_AREA), WHOLE_AREA);
  });
});

describe('detail', () => {
  /** One pixel of the plane, as 2 × 2 pixels of the picture. */
  const dot = (column: number, row: number, value: number) =>
    painted((x, y) => (x >> 1 === column && y >> 1 === row ? value : 0));

  test('is the smoothed luma less the mean of 9 × 9, in quarter steps', () => {
    const { detail } = signature(dot(12, 9, 81));
    const at = (dx: number, dy: number) => detail[(9 + dy) * PLANE_WIDTH + 12 + dx];
    // 4/16, 2/16 and 1/16 of 81 are left of it in quarter steps, less 4 × 81 / 81.
    assert.deepEqual([at(0, 0), at(1, 0), at(0, -1), at(-1, 1)], [77, 37, 37, 16]);
    assert.deepEqual([at(4, 4), at(-4, -4), at(2, 0)], [-4, -4, -4]);
    assert.deepEqual([at(5, 0), at(0, 5), at(-5, 0), at(0, -5)], [0, 0, 0, 0]);
  });

  test('continues the border pixels beyond the picture', () => {
    const corner = (column: number, row: number) => signature(dot(column, row, 81)).detail;
    // 9/16 of the smoothing and 25 of the 81 pixels are in the corner.
    assert.equal(corner(0, 0)[0], 82);
    assert.equal(corner(PLANE_WIDTH - 1, PLANE_HEIGHT - 1).at(-1), 82);
  });

  test('does not depend on brightness', () => {
    const plain = scene(1).map((value) => Math.floor(60 + value / 4));
    assert.deepEqual(signature(plain.map((value) => value + 40)).detail, signature(plain).detail);
  });

  test('at full resolution covers half as much', () => {
    const { fineDetail } = signature(painted((x, y) => (x === 20 && y === 11 ? 81 : 0)));
    const at = (dx: number, dy: number) => fineDetail[(11 + dy) * width + 20 + dx];
    assert.deepEqual([at(0, 0), at(1, 0), at(1, 1), at(4, -4), at(5, 0)], [77, 37, 16, -4, 0]);
  });
});

describe('magnified', () => {
  test('by nothing is the picture itself', () => {
    const { data } = signature(scene(1)).magnified(WHOLE_AREA);
    assert.deepEqual(data, picture(scene(1), 0).data);
  });

  test('interpolates between pixels of the area, and not beyond its edges', () => {
    const area = { top: 0, bottom: PLANE_HEIGHT, left: 8, right: 24 };
    const { data, timeSec } = signature(painted((x) => (x < 16 || x >= 48 ? 255 : 4 * x))).magnified(area);
    const row = (y: number) => Array.from({ length: width }, (_, x) => data[(y * width + x) * 3]!);
    assert.equal(timeSec, 7);
    assert.deepEqual(row(0).slice(0, 5), [64, 65, 67, 69, 71]);
    assert.deepEqual(row(height - 1).slice(-3), [185, 187, 188]);
    const tall = signature(painted((_x, y) => 4 * y)).magnified({ top: 9, bottom: 18, left: 0, right: PLANE_WIDTH });
    assert.deepEqual(
      [0, 1, 2, height - 1].map((y) => tall.data[y * width * 3 + 4]),
      [72, 73, 75, 140],
    );
  });
});

test('light is the mean of luma and colour differences, bars included', () => {
  const half = signature(painted((x, _y, channel) => (x < width / 2 ? 0 : channel === 0 ? 255 : 0)));
  half.crop(INNER);
  assert.deepEqual(half.light, { luma: 38.5, blue: 106.5, red: 191.5 });
});
