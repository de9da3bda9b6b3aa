import type { TimeRange } from '../domain/time-range.ts';
import { rangeMicros, toMicros, toSeconds } from './micros.ts';

/** Minimum length of the last segment, in seconds. A shorter rest is added to the segment before it. */
const MIN_TAIL_SEC = 0.5;

/**
 * Divides a range into segments of `durationSec`. The last one is shorter, or longer by less than `MIN_TAIL_SEC`. A
 * range shorter than one segment is one segment. Edge `i` is `start + i × duration` rather than a running sum, so that
 * rounding errors do not add up.
 * @throws {RangeError} for an empty range or a duration that is not positive
 */
export function fixedSegments(range: TimeRange, durationSec: number): TimeRange[] {
  const { start, end } = rangeMicros(range);
  const duration = toMicros(durationSec);
  if (!(duration > 0)) throw new RangeError(`a segment's duration must be positive: got ${durationSec} s`);

  const whole = Math.floor((end - start) / duration);
  const tail = end - (start + whole * duration);
  const count = whole === 0 ? 1 : tail < toMicros(MIN_TAIL_SEC) ? whole : whole + 1;
  return Array.from({ length: count }, (_, i) => ({
    startSec: toSeconds(start + i * duration),
    endSec: toSeconds(i === count - 1 ? end : start + (i + 1) * duration),
  }));
}
