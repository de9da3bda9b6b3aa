import { WeightedMean } from '../../encode/vectors.ts';
import type { EmbeddingRow } from './arrow.ts';

/**
 * Adds a fused row to each segment's consecutive rows: the mean of their unit vectors with equal weights, scaled to norm
 * 1. Meaningful within one space only.
 * @param rows rows of one scope
 * @param how keeps the source rows (`beside`) or drops them (`instead`)
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
