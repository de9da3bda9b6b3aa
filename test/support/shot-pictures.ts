import assert from 'node:assert/strict';
import type { Picture } from '../../src/media/frames.ts';
import { RULES, type Rules } from '../../src/segment/rules.ts';
import { SHOT_PICTURE, type ShotBoundary, ShotDetector } from '../../src/segment/shots.ts';

export const { width, height } = SHOT_PICTURE;
export type Pixels = Float32Array;

const scenes = new Map<string, Pixels>();

/** A synthetic scene: colours that vary smoothly over a plane, seen through a window of picture size at x, y. */
export function scene(seed: number, x = 0, y = 0): Pixels {
  const name = `${seed} ${x} ${y}`;
  const known = scenes.get(name);
  if (known) return known;
  const wave = (k: number) => Math.sin(seed * 12.9898 + k * 78.233) * 43758.5453;
  const part = (k: number) => wave(k) - Math.floor(wave(k));
  const waves = [0, 10, 20, 30, 40, 50].map((k) => ({
    across: 0.1 + 0.5 * part(k + 1),
    down: 0.1 + 0.5 * part(k + 2),
    phase: 6.28 * part(k + 3),
  }));
  const tint = [90, 91, 92].map((k) => 60 * (part(k) - 0.5));
  const pixels = new Float32Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let channel = 0; channel < 3; channel++) {
        let value = 0;
        for (const { across, down, phase } of waves)
          value += Math.sin(across * (column + x) + down * (row + y) + phase);
        pixels[(row * width + column) * 3 + channel] = 110 + 28 * value + tint[channel]!;
      }
    }
  }
  scenes.set(name, pixels);
  return pixels;
}

export const mix = (a: Pixels, b: Pixels, share: number) => a.map((value, i) => value * (1 - share) + b[i]! * share);
export const dim = (a: Pixels, light: number) => a.map((value) => value * light);
export const even = (value: number) => new Float32Array(width * height * 3).fill(value);
export const times = (count: number, picture: (i: number) => Pixels) =>
  Array.from({ length: count }, (_, i) => picture(i));

export function picture(pixels: Pixels, timeSec: number): Picture {
  return { timeSec, width, height, data: Uint8Array.from(pixels, (value) => Math.min(255, Math.max(0, value))) };
}

/** Boundaries of a film at a constant frame rate, or at the given times, with the rules in use or with others. */
export function detect(
  film: Pixels[],
  timeSec: (frame: number) => number = (frame) => frame / 24,
  rules: Rules = RULES,
): ShotBoundary[] {
  const detector = new ShotDetector({ rules });
  const found: ShotBoundary[] = [];
  film.forEach((pixels, frame) => {
    const settledSec = detector.settledSec;
    const boundaries = detector.push(picture(pixels, timeSec(frame)));
    for (const boundary of boundaries)
      assert.ok(boundary.timeSec >= settledSec, 'a boundary came after it was ruled out');
    found.push(...boundaries);
  });
  found.push(...detector.end());
  for (const { frame, startFrame, endFrame, timeSec: sec } of found) {
    assert.ok(startFrame <= frame && frame <= endFrame);
    assert.equal(sec, timeSec(frame));
  }
  assert.deepEqual(
    found.map(({ frame }) => frame),
    found.map(({ frame }) => frame).sort((a, b) => a - b),
  );
  return found;
}

export const cuts = (boundaries: ShotBoundary[]) => boundaries.map(({ frame, transition }) => [frame, transition]);
