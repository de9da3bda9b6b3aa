import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noise } from '../../../test/support/noise.ts';
import type { Picture } from '../../media/frames.ts';
import { normOf } from '../vectors.ts';
import { distinctPictures } from './distinct-pictures.ts';
import { pictureEncoder } from './pictures.ts';
import type { Tensor, TensorModel } from './tensor.ts';

const WIDTH = 224;
const HEIGHT = 126;
const SAME_UP_TO = 0.75;

/** Picture of random noise around a grey level. */
function picture({ timeSec = 0, level = 100, seed = 1, spread = 0 } = {}): Picture {
  const random = noise(seed);
  const data = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, () => Math.round(level + spread * random()));
  return { timeSec, width: WIDTH, height: HEIGHT, data };
}

/** A copy with a white rectangle. */
function withBox(onto: Picture, { width, height }: { width: number; height: number }): Picture {
  const data = onto.data.slice();
  for (let y = 0; y < height; y++) data.fill(255, y * WIDTH * 3, (y * WIDTH + width) * 3);
  return { ...onto, data };
}

const positions = (clip: readonly Picture[], sameUpTo: number | undefined = SAME_UP_TO) =>
  distinctPictures(clip, sameUpTo).positions;

describe('distinct pictures', () => {
  test('leave out repetitions, noise and a small pointer', () => {
    const slide = picture();
    assert.deepEqual(positions([slide, slide, slide]), [0, 0, 0]);
    assert.deepEqual(positions([1, 2, 3].map((seed) => picture({ seed, spread: 2 }))), [0, 0, 0]);
    assert.deepEqual(positions([slide, withBox(slide, { width: 8, height: 8 }), slide]), [0, 0, 0]);
  });

  test('keep a change of a tenth of the picture, of its light and of its colour', () => {
    const slide = picture();
    assert.deepEqual(positions([slide, withBox(slide, { width: 80, height: 36 })]), [0, 1]);
    assert.deepEqual(positions([slide, picture({ level: 102 })]), [0, 1]);
    const blue = { ...slide, data: slide.data.map((value, i) => (i % 3 === 2 ? value + 20 : value)) };
    assert.deepEqual(positions([slide, blue]), [0, 1]);
  });

  test('are compared with the last one that is kept, so that slow changes add up', () => {
    // A title that grows by 0.5 steps of mean luma from one picture to the next.
    const title = Array.from({ length: 6 }, (_, i) => withBox(picture(), { width: 91, height: i }));
    assert.deepEqual(positions(title), [0, 0, 1, 1, 2, 2]);
  });

  test('are all pictures where the bundle has no threshold', () => {
    const slide = picture();
    assert.deepEqual(distinctPictures([slide, slide], undefined), { pictures: [slide, slide], positions: [0, 1] });
  });

  test('with a threshold of 0 leave out equal pictures only', () => {
    assert.deepEqual(positions([picture(), picture(), picture({ level: 101 })], 0), [0, 0, 1]);
  });
});

describe('picture encoder with a threshold', () => {
  /** Model that returns the picture's level in one value and a constant in another, and counts its inputs. */
  class LevelModel implements TensorModel {
    readonly batch = 4;
    readonly inFlight = 1;
    inputs = 0;
    async run({ pixel_values: input }: Readonly<Record<string, Tensor>>): Promise<Tensor> {
      const [count, , height, width] = input!.dims as [number, number, number, number];
      this.inputs += count;
      const data = new Float32Array(count * 512);
      for (let i = 0; i < count; i++) data.set([input!.data[i * 3 * width * height] as number, 1], i * 512);
      return { type: 'float32', dims: [count, 512], data };
    }
    async close() {}
  }

  const encoder = (model: TensorModel, sameUpTo?: number) =>
    pictureEncoder({
      model,
      space: 'test',
      input: 'pixel_values',
      output: { name: '*', pooling: 'none', dimension: 512 },
      pictures: {
        ...{ perSecond: 1, perClip: 32, width: WIDTH, height: HEIGHT, fit: 'stretch', filter: 'bilinear' },
        ...{ mean: [0, 0, 0], deviation: [1, 1, 1] },
        ...(sameUpTo !== undefined && { sameUpTo }),
      },
    });
  const clip = (...levels: number[]) => ({
    ...{ startSec: 0, endSec: levels.length },
    pictures: levels.map((level, timeSec) => picture({ level, timeSec })),
  });

  test('gives the vectors of the full result, and runs the model on distinct pictures only', async () => {
    const clips = [clip(10, 10, 10, 250), clip(250), clip(250, 250, 10)];
    const full = new LevelModel();
    const few = new LevelModel();
    const expected = await encoder(full).encode(clips);
    assert.deepEqual(await encoder(few, SAME_UP_TO).encode(clips), expected);
    assert.deepEqual([full.inputs, few.inputs], [8, 5]);
    assert.ok(expected.every((vector) => Math.abs(normOf(vector) - 1) < 1e-6));
  });

  test('gives a clip the same vector whatever the clips beside it', async () => {
    const alone = await encoder(new LevelModel(), SAME_UP_TO).encode([clip(10, 11)]);
    const [, beside] = await encoder(new LevelModel(), SAME_UP_TO).encode([clip(10, 10), clip(10, 11)]);
    assert.deepEqual(beside, alone[0]);
  });
});
