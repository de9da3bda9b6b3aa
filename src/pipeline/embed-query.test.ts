import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Bundle, JointEncoder, TextEncoder } from '../encode/encoder.ts';
import { createSignalBundle } from '../encode/signal/bundle.ts';
import { meanVector } from '../encode/vectors.ts';
import type { InputPart } from '../media/frames.ts';
import { embedQuery, queryPictureFormat } from './embed-query.ts';

const axis = (index: number) => Float32Array.from({ length: 512 }, (_, i) => (i === index ? 1 : 0));
const picture = { timeSec: 0, width: 1, height: 1, data: new Uint8Array(3) };
const text = (content: string): InputPart => ({ kind: 'text', text: content });
const shown: InputPart = { kind: 'picture', picture };
const film: InputPart = { kind: 'video', pictures: [picture, picture] };
const heard: InputPart = { kind: 'sound', samples: new Float32Array(800) };

/** Bundle of one space whose encoders return an axis each and record their clips; a token is a character. */
function recording() {
  const seen: unknown[] = [];
  const encoder = (index: number) => ({
    space: 'one',
    async encode(clips: readonly object[]) {
      seen.push(...clips);
      return clips.map(() => axis(index));
    },
    async close() {},
  });
  const query: TextEncoder = { ...encoder(0), countTokens: async (given) => given.length };
  const bundle: Bundle = {
    ...createSignalBundle(),
    visual: { ...encoder(1), pictures: { width: 1, height: 1, fit: 'stretch', perSecond: 2 } },
    audio: { ...encoder(2), sampleRate: 8000 },
    textQueries: [query],
  };
  return { bundle, seen };
}

/** The bundle with an encoder of joint inputs, which records its input. */
function joined() {
  const { bundle, seen } = recording();
  const joint: JointEncoder = {
    space: 'one',
    pictures: { fit: 'shape', filter: 'bicubic', sizeFor: (size) => size },
    async encode(parts) {
      seen.push(parts);
      return axis(9);
    },
    async close() {},
  };
  return { bundle: { ...bundle, joint }, seen };
}

describe('a query of several parts', () => {
  test('goes to the joint encoder as it is, in the order of its parts', async () => {
    const { bundle, seen } = joined();
    const parts = [text('like '), shown, text(' with '), heard, film];
    const { vectors } = await embedQuery({ parts, spaces: ['one'] }, bundle);
    assert.deepEqual(vectors, [axis(9)]);
    assert.deepEqual(seen, [parts]);
  });

  test('is the mean of the vectors of its parts for a bundle without a joint encoder', async () => {
    const { bundle, seen } = recording();
    const { vectors } = await embedQuery({ parts: [heard, shown, text('rain'), film], spaces: ['one'] }, bundle);
    assert.deepEqual(vectors, [meanVector([axis(0), axis(1), axis(1), axis(2)])]);
    assert.deepEqual(seen, [
      { startSec: 0, endSec: 0.5, pictures: [picture], isStill: true },
      { startSec: 0, endSec: 1, pictures: [picture, picture], isStill: false },
      { startSec: 0, endSec: 0.1, samples: new Float32Array(800) },
      { startSec: 0, endSec: 0, text: 'rain' },
    ]);
  });

  test('has the pictures in the format of the encoder that gets them', () => {
    assert.equal(queryPictureFormat(joined().bundle).fit, 'shape');
    assert.equal(queryPictureFormat(recording().bundle).fit, 'stretch');
  });

  test('is refused if its texts together have too many tokens, before anything is encoded', async () => {
    for (const { bundle, seen } of [joined(), recording()]) {
      const parts = [text('x'.repeat(300)), shown, text('x'.repeat(300))];
      await assert.rejects(embedQuery({ parts, spaces: ['one'] }, bundle), {
        code: 'parameter_invalid',
        message: /601 tokens; at most 500/,
      });
      assert.deepEqual(seen, []);
    }
  });
});

test('a text alone goes to the text encoder of each space, also of a bundle with a joint encoder', async () => {
  const { bundle, seen } = joined();
  const { vectors } = await embedQuery({ parts: [text('rain')], spaces: ['one'] }, bundle);
  assert.deepEqual(vectors, [axis(0)]);
  assert.deepEqual(seen, [{ startSec: 0, endSec: 0, text: 'rain' }]);
});
