import type { TimeRange } from '../media/frames.ts';
import type { Segmentation } from '../segment/segment.ts';

/**
 * What a chunk lasts at most, in seconds. A constant: chunk edges are segment edges, so results depend on it, and the
 * same media and request must give the same bytes on any machine.
 */
export const CHUNK_SEC = 300;

/**
 * Cuts a range into the fewest chunks of equal length that are not too long; into an even number of them, so that two
 * workers are done at the same time, and more of them nearly so. With fixed segments a chunk holds a whole number of
 * them; with dynamic ones a chunk edge is a segment edge by decree.
 * @param chunkSec what a chunk lasts at most, in seconds
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
  // A chunk has a unit at least; two chunks of three units have one and two.
  const count = Math.min(units, 2 * pairs);
  const starts = Array.from({ length: count }, (_, i) => toMicro(startSec + Math.floor((i * units) / count) * unit));
  return starts.map((start, i) => ({ startSec: start, endSec: starts[i + 1] ?? endSec }));
}

/** To the microsecond, as segment edges are. */
function toMicro(sec: number): number {
  return Math.round(sec * 1e6) / 1e6;
}
