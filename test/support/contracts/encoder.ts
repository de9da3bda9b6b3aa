import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { DIMENSION, type Encoder } from '../../../src/encode/encoder.ts';

/**
 * Tests of the `Encoder` contract.
 *
 * @param open creates the encoder under test; called once
 * @param clips at least two different ordinary clips, then edge cases: black, silent, very short
 */
export function encoderContract<Clip>(name: string, open: () => Promise<Encoder<Clip>>, clips: readonly Clip[]): void {
  describe(name, async () => {
    const encoder = await open();
    const vectors = await encoder.encode(clips);
    after(() => encoder.close());

    it('names its space', () => {
      assert.ok(encoder.space.length > 0);
    });

    it('gives one vector per clip, of the right length', () => {
      assert.equal(vectors.length, clips.length);
      for (const vector of vectors) {
        assert.ok(vector instanceof Float32Array);
        assert.equal(vector.length, DIMENSION);
      }
    });

    it('gives finite values of norm 1 for any clip', () => {
      for (const vector of vectors) {
        assert.ok(vector.every(Number.isFinite));
        assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6, `norm ${Math.hypot(...vector)}`);
      }
    });

    it('gives different clips different vectors', () => {
      assert.notDeepEqual(vectors[0], vectors[1]);
    });

    it('gives the same bits every time', async () => {
      assert.deepEqual(await encoder.encode(clips), vectors);
    });

    it('gives a clip the same bits alone and in a batch, and keeps the order', async () => {
      assert.deepEqual(await encoder.encode([...clips].reverse()), [...vectors].reverse());
      for (const [i, clip] of clips.entries()) assert.deepEqual(await encoder.encode([clip]), [vectors[i]]);
    });

    it('gives no vectors for no clips', async () => {
      assert.deepEqual(await encoder.encode([]), []);
    });

    it('does not start with an aborted signal', async () => {
      await assert.rejects(encoder.encode(clips, { signal: AbortSignal.abort() }), { name: 'AbortError' });
    });

    it('stops between clips on abort', async () => {
      const abort = new AbortController();
      const many = Array.from({ length: 1000 }, () => clips).flat();
      const encoding = encoder.encode(many, { signal: abort.signal });
      setImmediate(() => abort.abort());
      await assert.rejects(encoding, { name: 'AbortError' });
    });
  });
}
