import type { TimeRange } from '../../domain/time-range.ts';
import { WeightedMean } from '../../encode/vectors.ts';
import type { EmbeddingRow } from './arrow.ts';

/** Vector of a text about a time range. */
export interface NoteVector extends TimeRange {
  /** Unit vector. */
  readonly embedding: Float32Array;
}

/**
 * Adds a fused row to each segment's consecutive rows: the mean of their unit vectors, and of those of the notes that
 * overlap the segment, with equal weights, scaled to norm 1. Meaningful within one space only.
 * @param rows rows of one scope
 * @param how keeps the source rows (`beside`) or drops them (`instead`)
 */
export async function* withFused(
  rows: AsyncIterable<EmbeddingRow>,
  how: 'beside' | 'instead',
  notes: readonly NoteVector[] = [],
): AsyncGenerator<EmbeddingRow> {
  let first: EmbeddingRow | undefined;
  let mean = new WeightedMean();
  const fusedRow = (segment: EmbeddingRow): EmbeddingRow => {
    for (const note of notes) if (overlaps(note, segment)) mean.add(note.embedding, 1);
    return { ...segment, option: 'fused', embedding: mean.get() };
  };
  for await (const row of rows) {
    if (first && first.segment !== row.segment) {
      yield fusedRow(first);
      first = undefined;
    }
    if (!first) mean = new WeightedMean();
    first ??= row;
    mean.add(row.embedding, 1);
    if (how === 'beside') yield row;
  }
  if (first) yield fusedRow(first);
}

/** True if a note is about a part of the segment. A moment belongs to the segment that starts with it. */
function overlaps(note: TimeRange, segment: TimeRange): boolean {
  if (note.startSec === note.endSec) return segment.startSec <= note.startSec && note.startSec < segment.endSec;
  return note.startSec < segment.endSec && segment.startSec < note.endSec;
}
