/** A stretch of time of the source, in seconds from the start of the file. `startSec` is in it, `endSec` is not. */
export interface Segment {
  readonly startSec: number;
  readonly endSec: number;
}

/** How a range is cut into segments. */
export type Segmentation =
  | { readonly strategy: 'fixed'; readonly durationSec: number }
  | { readonly strategy: 'dynamic'; readonly minDurationSec: number };

/*
 * Edges are computed in whole microseconds. That is FFmpeg's own unit for durations, so the ends of a file survive
 * as they are; sums and comparisons are exact (4 s is never 3.9999999999 s); and what goes into JSON is at most six
 * digits after the point. A coarser grid (milliseconds) could not hold "at most 10 s" and "at least 5 s" at once.
 */
const MICROS_PER_SEC = 1_000_000;

/** The last whole microsecond that is not after `sec`: rounding up could put a shot's first frame before the edge. */
export function toMicros(sec: number): number {
  const nearest = Math.round(sec * MICROS_PER_SEC);
  return toSeconds(nearest) <= sec ? nearest : nearest - 1;
}

/** The double nearest to that many microseconds, which prints with at most six decimals. */
export function toSeconds(micros: number): number {
  return micros / MICROS_PER_SEC;
}

/** Both ends of a range in microseconds. Throws a RangeError for one that holds no time. */
export function rangeMicros({ startSec, endSec }: Segment): { start: number; end: number } {
  const start = toMicros(startSec);
  const end = toMicros(endSec);
  if (!(start < end)) throw new RangeError(`a range must end after it starts: got ${startSec} to ${endSec} s`);
  return { start, end };
}
