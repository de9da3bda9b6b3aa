import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dim, even, mix, type Pixels, picture, scene, width } from '../../test/support/shot-pictures.ts';
import { isLightingChange, isTextOverlay } from './lighting-change.ts';
import { RULES } from './rules.ts';
import { Signature } from './signature.ts';

const signature = (pixels: Pixels) => new Signature(picture(pixels, 0), 0);
const isLightingChangeOf = (a: Pixels, b: Pixels) => isLightingChange(signature(a), signature(b), RULES.lightingChange);
const isTextOverlayOf = (a: Pixels, b: Pixels) => isTextOverlay(signature(a), signature(b), RULES.textOverlay);

test('a scene in a tenth of the light is a lighting change, in both directions', () => {
  assert.ok(isLightingChangeOf(dim(scene(1), 0.1), scene(1)));
  assert.ok(isLightingChangeOf(scene(1), dim(scene(1), 0.1)));
});

test('white text that appears or disappears is an overlay, unless it covers most of the picture', () => {
  const night = dim(scene(1), 0.1);
  const titled = (from: number) => night.map((value, i) => (i >= from * width * 3 && i % 9 < 3 ? 250 : value));
  assert.ok(isTextOverlayOf(night, titled(24)));
  assert.ok(isTextOverlayOf(titled(24), night));
  assert.ok(!isLightingChangeOf(night, titled(24)));
  assert.ok(!isTextOverlayOf(night, titled(8)));
});

test('a scene in about the same light is neither', () => {
  assert.ok(!isLightingChangeOf(scene(1), scene(1)));
  assert.ok(!isLightingChangeOf(dim(scene(1), 0.75), scene(1)));
  assert.ok(!isTextOverlayOf(scene(1), scene(1)));
});

test('other scenes are neither in any light, nor is black', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const other = scene(seed + 1);
    for (const light of [0.04, 0.1, 0.4]) {
      assert.ok(!isLightingChangeOf(dim(scene(seed), light), other), `${seed}`);
      assert.ok(!isTextOverlayOf(dim(scene(seed), light), other), `${seed}`);
    }
    assert.ok(!isLightingChangeOf(even(0), mix(even(0), scene(seed), 0.5)));
  }
});
