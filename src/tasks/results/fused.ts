import type { EmbeddingRow } from './arrow.ts';
import { WeightedMean } from './mean.ts';

/**
 * Adds to each segment's rows, which follow each other, one that stands for all of them: the mean of the unit vectors
 * that there are, each of equal weight, brought back to length 1. It means something in one space only.
 * @param rows of one scope
 * @param how whether the rows themselves stay
 */
export async function* withFused(
  rows: AsyncIterable<EmbeddingRow>,
  how: 'beside' | 'instead',
): AsyncGenerator<EmbeddingRow> {
  let first: EmbeddingRow | undefined;
  let mean = new WeightedMean();
  for await (const row of rows) {
    if (first && first.segment !== row.segment) {
      yield { ...first, option: 'fused', embedding: mean.get() };
      first = undefined;
    }
    if (!first) mean = new WeightedMean();
    first ??= row;
    mean.add(row.embedding, 1);
    if (how === 'beside') yield row;
  }
  if (first) yield { ...first, option: 'fused', embedding: mean.get() };
}
