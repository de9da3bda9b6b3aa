import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encoderContract } from '../../../../test/support/contracts/encoder.ts';
import { cosine } from '../../../../test/support/embeddings.ts';
import { noise } from '../../../../test/support/noise.ts';
import type { VisualClip } from '../../encoder.ts';
import { visualEncoder } from './visual.ts';

const { width, height, perSecond } = visualEncoder.pictures;

type Color = readonly [red: number, green: number, blue: number];

/** Clip of `count` pictures; `paint` gets x and y from the top left and the picture's number. */
function film(count: number, paint: (x: number, y: number, picture: number) => Color): VisualClip {
  const pictures = Array.from({ length: count }, (_, i) => {
    const data = new Uint8Array(width * height * 3);
    for (let at = 0; at < width * height; at++) data.set(paint(at % width, Math.floor(at / width), i), at * 3);
    return { timeSec: i / perSecond, width, height, data };
  });
  return { startSec: 0, endSec: count / perSecond, pictures };
}

const sunset = (x: number, y: number): Color => [255 - 3 * y, 120 - y, 40 + 2 * y + (x % 3)];
const sea = (x: number, y: number): Color => [20, 90 + y, 160 + ((x * y) % 32)];
const ball = (x: number, y: number, i: number): Color =>
  (x - 5 * (i % 12)) ** 2 + (y - 30) ** 2 < 150 ? [230, 30, 30] : sea(x, y);

encoderContract('signal visual', async () => visualEncoder, [
  film(24, sunset),
  film(24, ball),
  film(24, () => [0, 0, 0]),
  film(24, () => [255, 255, 255]),
  film(1, sunset),
  film(2, () => [0, 0, 255]),
  film(40, (x, y, i) => ((x + y + i) % 2 ? [255, 255, 255] : [0, 0, 0])),
]);

describe('signal visual', () => {
  it('recognises a clip with noise', async () => {
    const grain = noise(1);
    const noisy: typeof sunset = (x, y) => sunset(x, y).map((value) => value + 2 * grain()) as unknown as Color;
    const [clean, grainy] = await visualEncoder.encode([film(24, sunset), film(24, noisy)]);
    assert.ok(cosine(clean!, grainy!) > 0.8);
  });

  it('distinguishes scenes', async () => {
    const [a, b] = await visualEncoder.encode([film(24, sunset), film(24, sea)]);
    assert.ok(cosine(a!, b!) < 0.8);
  });

  it('distinguishes motion from a still scene', async () => {
    const still = film(24, (x, y) => ball(x, y, 6));
    const [a, b] = await visualEncoder.encode([still, film(24, ball)]);
    assert.ok(cosine(a!, b!) < 0.95);
  });

  it('refuses pictures of another size', async () => {
    const clip = film(1, sunset);
    const wrong = { ...clip, pictures: [{ ...clip.pictures[0]!, width: width * 2 }] };
    await assert.rejects(visualEncoder.encode([wrong]), /takes pictures of/);
  });
});
