import type { Segmentation } from '../domain/segmentation.ts';
import type { TimeRange } from '../domain/time-range.ts';

/**
 * Maximum duration of a chunk, in seconds. A constant, not a setting: chunk edges are segment edges, so results depend
 * on it, and the same media and request must give the same bytes on any machine.
 */
export const CHUNK_SEC = 300;

/**
 * Divides a range into the fewest chunks of equal length within the maximum. Their number is even, so that two workers
 * finish together, and more workers nearly so. With fixed segments a chunk contains a whole number of segments; with
 * dynamic segmentation a chunk edge is always a segment edge.
 * @param chunkSec maximum duration of a chunk, in seconds
 * @returns contiguous chunks that cover the range, in order
 */
export function planChunks(
  { startSec, endSec }: TimeRange,
  segmentation: Segmentation,
  chunkSec = CHUNK_SEC,
): TimeRange[] {
  if (endSec - startSec <= chunkSec) return [{ startSec, endSec }];
  const unit = segmentation.strategy === 'fixed' ? segmentation.durationSec : 1;
  const units = Math.ceil((endSec - startSec) / unit);
  const pairs = Math.ceil(units / (2 * Math.max(1, Math.floor(chunkSec / unit))));
  // A chunk has at least one unit; two chunks of three units have one and two.
  const count = Math.min(units, 2 * pairs);
  const starts = Array.from({ length: count }, (_, i) => toMicro(startSec + Math.floor((i * units) / count) * unit));
  return starts.map((start, i) => ({ startSec: start, endSec: starts[i + 1] ?? endSec }));
}

/** Rounds to microseconds, as segment edges are. */
function toMicro(sec: number): number {
  return Math.round(sec * 1e6) / 1e6;
}
