import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { even, mix, type Pixels, picture, scene, times } from '../../test/support/shot-pictures.ts';
import { cutThreshold, hasCutLookAhead, isCut } from './cuts.ts';
import { RULES } from './rules.ts';
import { Signature } from './signature.ts';
import { Timeline } from './timeline.ts';

function timelineOf(film: readonly Pixels[], rate = 24): Timeline {
  const timeline = new Timeline(RULES);
  film.forEach((pixels, i) => {
    timeline.append(new Signature(picture(pixels, i / rate), i / rate));
  });
  return timeline;
}

/** A still scene that jumps to the side at each of the pictures named. */
const jumping = (...jumps: readonly number[]) =>
  times(80, (i) => scene(1, 6 * jumps.filter((jump) => i >= jump).length));
/** The threshold at picture 40, less the excess that a cut must have. */
const surrounding = (timeline: Timeline, frame = 40) => cutThreshold(timeline, frame) - RULES.cut.minExcessChange;

describe('the threshold of a cut', () => {
  test('is the least change of any cut in a still scene, and beside a single change', () => {
    assert.equal(cutThreshold(timelineOf(jumping()), 40), RULES.cut.minChange);
    assert.equal(cutThreshold(timelineOf(jumping(38)), 40), RULES.cut.minChange);
    assert.equal(cutThreshold(timelineOf(jumping(38, 42)), 40), RULES.cut.minChange);
  });

  test('is the second largest change on either side, and the excess', () => {
    for (const jumps of [
      [36, 38],
      [41, 44],
      [35, 39],
    ]) {
      const timeline = timelineOf(jumping(...jumps));
      const sizes = jumps.map((jump) => timeline.change(jump).size);
      assert.ok(Math.min(...sizes) > 9, `${sizes}`);
      assert.ok(Math.abs(surrounding(timeline) - Math.min(...sizes)) < 1e-9, `${jumps}`);
    }
  });

  test('counts five pictures on either side, and all within a fifth of a second', () => {
    const at24 = timelineOf(jumping(34, 38, 39));
    assert.ok(Math.abs(surrounding(at24) - Math.min(at24.change(38).size, at24.change(39).size)) < 1e-9);
    const at50 = timelineOf(jumping(31, 39), 50);
    assert.ok(surrounding(at50) > 9);
  });

  test('counts pictures within a third of a second where only one of the nearer ones changes', () => {
    assert.ok(surrounding(timelineOf(jumping(32, 36))) > 9);
    assert.equal(cutThreshold(timelineOf(jumping(31, 36)), 40), RULES.cut.minChange);
    assert.ok(surrounding(timelineOf(jumping(44, 48))) > 9);
  });

  test('ignores single flashes, and compares the pictures around them', () => {
    const flashes = jumping().map((pixels, i) => (i === 36 || i === 38 ? pixels.map((value) => value + 60) : pixels));
    assert.equal(cutThreshold(timelineOf(flashes), 40), RULES.cut.minChange);
    const long = jumping().map((pixels, i) => (i === 36 || i === 37 ? mix(pixels, even(255), 0.7) : pixels));
    assert.ok(surrounding(timelineOf(long)) > 9);
  });
});

describe('the look-ahead', () => {
  test('is five pictures and the time of a drawing', () => {
    const at24 = timelineOf(jumping());
    assert.deepEqual(
      [70, 71].map((frame) => hasCutLookAhead(at24, frame)),
      [true, false],
    );
    const at5 = timelineOf(jumping(), 5);
    assert.deepEqual(
      [74, 75].map((frame) => hasCutLookAhead(at5, frame)),
      [true, false],
    );
  });
});

describe('a cut', () => {
  test('is at one picture alone', () => {
    const timeline = timelineOf(times(80, (i) => scene(i < 40 ? 1 : 2)));
    assert.deepEqual(
      [38, 39, 40, 41, 42].filter((frame) => isCut(timeline, frame)),
      [40],
    );
  });

  test('that is smeared over three pictures is at the largest change', () => {
    const smear = (shares: readonly number[]) =>
      timelineOf(times(80, (i) => mix(scene(1), scene(2), i < 40 ? 0 : (shares[i - 40] ?? 1))));
    const cuts = (shares: readonly number[]) => {
      const timeline = smear(shares);
      return [38, 39, 40, 41, 42, 43].filter((frame) => isCut(timeline, frame));
    };
    assert.deepEqual(cuts([0.2, 0.8]), [41]);
    assert.deepEqual(cuts([0.7]), [40]);
    assert.deepEqual(cuts([0.3]), [41]);
    assert.deepEqual(cuts([0.45]), [41]);
  });

  test('is found where a blended picture ends the film or starts it', () => {
    const film = times(12, (i) => (i < 5 ? scene(4, 1.7 * i) : scene(15, 2 * i)));
    assert.equal(isCut(timelineOf(film), 5), true);
    assert.equal(isCut(timelineOf(film.slice(4)), 1), true);
    assert.equal(isCut(timelineOf(film.slice(0, 6)), 5), true);
  });

  test('at the end of a flash is placed there, and at its start if that changes more', () => {
    const lit = (pixels: Pixels, by: number) => pixels.map((value) => value / 3 + by);
    const flash = (isNew: (i: number) => boolean) =>
      timelineOf(
        times(80, (i) => {
          const shot = scene(isNew(i) ? 2 : 1);
          return i >= 37 && i < 40 ? lit(shot, 160) : shot;
        }),
      );
    const found = (timeline: Timeline) => [36, 37, 38, 39, 40, 41].filter((frame) => isCut(timeline, frame));
    assert.deepEqual(found(flash((i) => i >= 40)), [40]);
    assert.deepEqual(found(flash((i) => i >= 37)), [37]);
    assert.deepEqual(found(flash(() => false)), []);
  });

  test('is none where the old scene returns within a fifth of a second', () => {
    const interrupted = (count: number) => timelineOf(times(90, (i) => scene(i >= 40 && i < 40 + count ? 2 : 1)));
    for (const count of [1, 3, 4])
      for (const frame of [40, 40 + count]) assert.equal(isCut(interrupted(count), frame), false, `${count}, ${frame}`);
    for (const frame of [40, 52]) assert.equal(isCut(interrupted(12), frame), true);
  });
});
