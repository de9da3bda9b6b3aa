import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { randomBytes } from '../../../test/support/soft-tokens.ts';
import original from '../../../test/support/soft-tokens-original.json' with { type: 'json' };
import port from '../../../test/support/soft-tokens-port.json' with { type: 'json' };
import { Resizer } from '../../media/picture/resize.ts';
import { patchPictures, patchSize } from './patches.ts';

const spec = (maxTokens: number) => ({ patch: 16, pool: 3, maxTokens });

const sha256 = (values: NodeJS.ArrayBufferView) => createHash('sha256').update(values).digest('hex');

/** Patches of a picture of random bytes, scaled as for the model. */
function patchesOf({ width, height, maxTokens }: { width: number; height: number; maxTokens: number }) {
  const size = patchSize(width, height, spec(maxTokens));
  const resize = { from: { width, height }, to: size, crop: { ...size, left: 0, top: 0 }, filter: 'bicubic' } as const;
  const data = new Resizer(resize).apply(randomBytes(width * height * 3), width * 3);
  return patchPictures([{ ...size, data }], spec(maxTokens));
}

describe('patches', () => {
  it('has the sizes of the original and the soft tokens of its port', () => {
    for (const [i, [width, height, maxTokens, wide, tall]] of original.sizes.entries()) {
      const size = patchSize(width!, height!, spec(maxTokens!));
      assert.deepEqual([size.width, size.height], [wide, tall], `${width} × ${height}, ${maxTokens} tokens`);
      assert.equal(size.softTokens, port.softTokens[i]);
    }
  });

  for (const [made, cases] of [
    ['original', original.pictures],
    ['port', port.pictures],
  ] as const) {
    for (const each of cases) {
      it(`of ${each.width} × ${each.height} at ${each.maxTokens} tokens equal those of the ${made}`, () => {
        const { patches, positions, softTokens } = patchesOf(each);
        assert.equal(softTokens[0], each.softTokens);
        assert.equal(patches.length, each.maxTokens * 9 * 768);
        const pixels = Uint8Array.from(patches, (value) => Math.round(value * 255));
        assert.ok(patches.every((value, i) => value === Math.fround(pixels[i]! / 255)));
        assert.equal(sha256(pixels), each.pixelsSha256);
        assert.equal(sha256(positions), each.positionsSha256);
      });
    }
  }

  it('gives 66, 120 and 264 soft tokens to 16:9, and 266 to 4:3', () => {
    assert.deepEqual(
      [70, 140, 280].map((budget) => patchSize(1920, 1080, spec(budget)).softTokens),
      [66, 120, 264],
    );
    assert.equal(patchSize(640, 480, spec(280)).softTokens, 266);
  });

  it('keeps the longer side of a line within the budget', () => {
    assert.deepEqual(patchSize(100_000, 1, spec(70)), { width: 3360, height: 48, softTokens: 70 });
    assert.deepEqual(patchSize(1, 100_000, spec(70)), { width: 48, height: 3360, softTokens: 70 });
  });

  it('pads each picture of a batch on its own', () => {
    const wide = { width: 96, height: 48, data: new Uint8Array(96 * 48 * 3).fill(255) };
    const small = { width: 48, height: 48, data: new Uint8Array(48 * 48 * 3).fill(51) };
    const { patches, positions, perPicture, softTokens } = patchPictures([small, wide], spec(3));
    assert.deepEqual([softTokens, perPicture], [[1, 2], 27]);
    const length = 27 * 768;
    assert.ok(
      patches.every(
        (value, i) => value === (i < 9 * 768 ? Math.fround(0.2) : i < length ? 0 : Number(i < length + 18 * 768)),
      ),
    );
    assert.deepEqual([...positions.subarray(16, 20)], [2n, 2n, -1n, -1n]);
    assert.deepEqual([...positions.subarray(54 + 34, 54 + 38)], [5n, 2n, -1n, -1n]);
  });

  it('refuses a picture of another size', () => {
    const picture = (width: number) => ({ width, height: 48, data: new Uint8Array(width * 48 * 3) });
    assert.throws(() => patchPictures([picture(50)], spec(70)), /50 × 48 cannot be divided/);
    assert.throws(() => patchPictures([picture(192)], spec(3)), /at most 3 soft tokens/);
  });
});
