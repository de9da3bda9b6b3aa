import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRelit, isWrittenOver } from './relit.ts';
import { dim, even, mix, type Pixels, picture, scene, width } from './shots.fixture.ts';
import { Signature } from './signature.ts';

const signature = (pixels: Pixels) => new Signature(picture(pixels, 0), 0);
const isRelitOf = (a: Pixels, b: Pixels) => isRelit(signature(a), signature(b));
const isWrittenOverOf = (a: Pixels, b: Pixels) => isWrittenOver(signature(a), signature(b));

test('a scene in a tenth of the light is relit, either way', () => {
  assert.ok(isRelitOf(dim(scene(1), 0.1), scene(1)));
  assert.ok(isRelitOf(scene(1), dim(scene(1), 0.1)));
});

test('one that white writing comes over or goes from is written over, but not one that mostly is behind it', () => {
  const night = dim(scene(1), 0.1);
  const written = (from: number) => night.map((value, i) => (i >= from * width * 3 && i % 9 < 3 ? 250 : value));
  assert.ok(isWrittenOverOf(night, written(24)));
  assert.ok(isWrittenOverOf(written(24), night));
  assert.ok(!isRelitOf(night, written(24)));
  assert.ok(!isWrittenOverOf(night, written(8)));
});

test('a scene in the same light, or next to the same, is not: other rules know it', () => {
  assert.ok(!isRelitOf(scene(1), scene(1)));
  assert.ok(!isRelitOf(dim(scene(1), 0.75), scene(1)));
  assert.ok(!isWrittenOverOf(scene(1), scene(1)));
});

test('other scenes are not, nor is black, in whatever light', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const other = scene(seed + 1);
    for (const light of [0.04, 0.1, 0.4]) {
      assert.ok(!isRelitOf(dim(scene(seed), light), other), `${seed}`);
      assert.ok(!isWrittenOverOf(dim(scene(seed), light), other), `${seed}`);
    }
    assert.ok(!isRelitOf(even(0), mix(even(0), scene(seed), 0.5)));
  }
});
