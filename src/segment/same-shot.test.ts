import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dim, mix, type Pixels, picture, scene, times } from '../../test/support/shot-pictures.ts';
import { RULES } from './rules.ts';
import { isSameShot } from './same-shot.ts';
import { Signature } from './signature.ts';
import { Timeline } from './timeline.ts';

/** True if a transition from picture 50 to picture 70 of a film of 24 pictures a second is a change within one shot. */
function isSame(film: readonly Pixels[], cuts: readonly number[] = []): boolean {
  const timeline = new Timeline(RULES);
  film.forEach((pixels, i) => {
    timeline.append(new Signature(picture(pixels, i / 24), i / 24));
  });
  return isSameShot(timeline, cuts, { startFrame: 50, frame: 60, endFrame: 70, score: 2, strength: 10 });
}

const share = (i: number) => Math.min(1, Math.max(0, (i - 49) / 20));
const dissolve = times(130, (i) => mix(scene(1), scene(2), share(i)));
const smoke = scene(5).map((value) => 90 + value / 4);

test('a dissolve between two scenes is not', () => {
  assert.equal(isSame(dissolve), false);
  assert.equal(isSame(dissolve.slice(0, 71)), false, 'at the end of a film');
});

test('a cut less than a fifth of a second before or after shows that it is', () => {
  const near = (cut: number) => isSame(dissolve, [cut]);
  assert.deepEqual([44, 45, 46, 50, 70, 74, 75, 76].map(near), [false, false, true, true, true, true, false, false]);
  assert.equal(near(60), false, 'the search for transitions has judged cuts within');
});

test('one scene at both ends shows that it is, in any light', () => {
  assert.equal(isSame(times(130, (i) => mix(scene(1), scene(1, 2), share(i)))), true);
  assert.equal(isSame(times(130, (i) => dim(scene(1), 0.05 + 0.6 * share(i)))), true);
});

describe('a larger change right beside it', () => {
  const withJump = (at: number, other = scene(9)) => dissolve.map((pixels, i) => (i === at ? other : pixels));

  test('shows that it is', () => {
    assert.deepEqual(
      [48, 49, 71, 72].map((at) => isSame(withJump(at))),
      [true, true, true, true],
    );
  });

  test('shows nothing two pictures further away, or if it is no larger', () => {
    assert.deepEqual(
      [46, 74].map((at) => isSame(withJump(at))),
      [false, false],
    );
    assert.equal(isSame(withJump(72, mix(scene(2), scene(9), 0.02))), false);
  });
});

describe('a scene that is seen again', () => {
  /** Smoke hides the first scene from picture 50 until `end`. */
  const hidden = (end: number) =>
    times(140, (i) => (i < 70 ? mix(scene(1), smoke, share(i)) : i < end ? smoke : scene(1)));

  test('within a second and a half shows that it is', () => {
    assert.equal(isSame(hidden(100)), true);
    assert.equal(isSame(hidden(110)), false);
  });

  test('behind a cut shows nothing', () => {
    assert.equal(isSame(hidden(100), [100]), false);
  });

  test('before the transition shows that it is, too', () => {
    const backwards = hidden(100).slice(0, 121).reverse();
    assert.equal(isSame(backwards), true);
    assert.equal(isSame(backwards, [21]), false);
  });
});
