import type { Tensor } from '../tensors/tensor.ts';

/**
 * Splits the output of an encoder, soft tokens of a batch in one list, into those of each input.
 * @param counts soft tokens of each input
 * @throws {Error} if the output has another shape: placeholders and soft tokens would not match
 */
export function splitSoftTokens(
  { type, dims, data }: Tensor,
  counts: readonly number[],
  { width, encoder }: { width: number; encoder: 'pictures' | 'sound' },
): Float32Array[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (type !== 'float32' || dims.length !== 2 || dims[0] !== total || dims[1] !== width) {
    throw new Error(
      `The encoder of ${encoder} gave soft tokens of the shape ${dims.join(' × ')}, where the bundle has ${total} × ${width}. ` +
        `The bundle's "${encoder}" does not fit the model.`,
    );
  }
  let from = 0;
  return counts.map((count) => {
    from += count * width;
    return data.slice(from - count * width, from);
  });
}
