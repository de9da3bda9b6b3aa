import type { TimeRange } from '../media/frames.ts';
import type { Segmentation } from '../segment/segment.ts';

/**
 * Length of a chunk, in seconds. A constant: chunk edges are segment edges, so results depend on it, and the same
 * media and request must give the same bytes on any machine.
 */
export const CHUNK_SEC = 600;

/** A last chunk shorter than this is not worth an extra start: the one before takes it in. Seconds. */
const SHORTEST_CHUNK_SEC = 60;

/**
 * Cuts a range into chunks. With fixed segments a chunk holds a whole number of them; with dynamic ones a chunk edge
 * is a segment edge by decree.
 * @param chunkSec nominal length of a chunk, in seconds
 * @returns contiguous chunks that cover the range, in order
 */
export function planChunks(range: TimeRange, segmentation: Segmentation, chunkSec = CHUNK_SEC): TimeRange[] {
  const unit = segmentation.strategy === 'fixed' ? segmentation.durationSec : 1;
  const step = Math.max(1, Math.floor(chunkSec / unit)) * unit;
  const starts = [range.startSec];
  const shortest = Math.min(SHORTEST_CHUNK_SEC, step / 2);
  for (let i = 1; range.endSec - (range.startSec + i * step) >= shortest; i++)
    starts.push(toMicro(range.startSec + i * step));
  return starts.map((startSec, i) => ({ startSec, endSec: starts[i + 1] ?? range.endSec }));
}

/** To the microsecond, as segment edges are. */
function toMicro(sec: number): number {
  return Math.round(sec * 1e6) / 1e6;
}
