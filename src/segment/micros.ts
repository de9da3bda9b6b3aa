import type { TimeRange } from '../domain/time-range.ts';

/*
 * Segment edges are computed in whole microseconds, FFmpeg's unit of duration. The ends of a file are exact in it, sums
 * and comparisons have no rounding errors (4 s is never 3.9999999999 s), and JSON shows at most six decimals. In
 * milliseconds, the end of a file would be rounded, and a segment at a limit of length would be beyond it.
 */
const MICROS_PER_SEC = 1_000_000;

/** Converts seconds to microseconds, rounded down: rounding up could put a shot's first frame before the edge. */
export function toMicros(sec: number): number {
  const nearest = Math.round(sec * MICROS_PER_SEC);
  return toSeconds(nearest) <= sec ? nearest : nearest - 1;
}

/** Converts microseconds to seconds. The result prints with at most six decimals. */
export function toSeconds(micros: number): number {
  return micros / MICROS_PER_SEC;
}

/**
 * Both ends of a range, in microseconds.
 * @throws {RangeError} for an empty range
 */
export function rangeMicros({ startSec, endSec }: TimeRange): { start: number; end: number } {
  const start = toMicros(startSec);
  const end = toMicros(endSec);
  if (!(start < end)) throw new RangeError(`a range must end after it starts: got ${startSec} to ${endSec} s`);
  return { start, end };
}
