import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dim, even, mix, type Pixels, picture, scene, width } from '../../test/support/shot-pictures.ts';
import { isLightingChange, isTextOverlay } from './lighting-change.ts';
import { RULES } from './rules.ts';
import { Signature } from './signature.ts';

const signature = (pixels: Pixels) => new Signature(picture(pixels, 0), 0);
const isLightingChangeOf = (a: Pixels, b: Pixels) => isLightingChange(signature(a), signature(b), RULES.lightingChange);
const isTextOverlayOf = (a: Pixels, b: Pixels) => isTextOverlay(signature(a), signature(b), RULES.textOverlay);

test('a scene in a tenth of the light is relit, either way', () => {
  assert.ok(isLightingChangeOf(dim(scene(1), 0.1), scene(1)));
  assert.ok(isLightingChangeOf(scene(1), dim(scene(1), 0.1)));
});

test('one that white writing comes over or goes from is written over, but not one that mostly is behind it', () => {
  const night = dim(scene(1), 0.1);
  const written = (from: number) => night.map((value, i) => (i >= from * width * 3 && i % 9 < 3 ? 250 : value));
  assert.ok(isTextOverlayOf(night, written(24)));
  assert.ok(isTextOverlayOf(written(24), night));
  assert.ok(!isLightingChangeOf(night, written(24)));
  assert.ok(!isTextOverlayOf(night, written(8)));
});

test('a scene in the same light, or next to the same, is not: other rules know it', () => {
  assert.ok(!isLightingChangeOf(scene(1), scene(1)));
  assert.ok(!isLightingChangeOf(dim(scene(1), 0.75), scene(1)));
  assert.ok(!isTextOverlayOf(scene(1), scene(1)));
});

test('other scenes are not, nor is black, in whatever light', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const other = scene(seed + 1);
    for (const light of [0.04, 0.1, 0.4]) {
      assert.ok(!isLightingChangeOf(dim(scene(seed), light), other), `${seed}`);
      assert.ok(!isTextOverlayOf(dim(scene(seed), light), other), `${seed}`);
    }
    assert.ok(!isLightingChangeOf(even(0), mix(even(0), scene(seed), 0.5)));
  }
});
