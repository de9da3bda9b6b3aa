import { rangeMicros, type Segment, toMicros, toSeconds } from './segment.ts';

/** A vector of less than this says little that the segment before does not; such a tail joins it. Seconds. */
const SHORTEST_TAIL_SEC = 0.5;

/**
 * Segments of exactly `durationSec` from the start of the range. The last may be shorter, and is kept unless it is
 * under half a second: then the segment before it takes it in. A range shorter than one segment is one segment.
 * Edge `i` is `start + i × duration`, never a running sum, so four hours of segments do not drift.
 *
 * @throws RangeError for an empty range or a duration that is not positive.
 */
export function fixedSegments(range: Segment, durationSec: number): Segment[] {
  const { start, end } = rangeMicros(range);
  const duration = toMicros(durationSec);
  if (!(duration > 0)) throw new RangeError(`a segment's duration must be positive: got ${durationSec} s`);

  const whole = Math.floor((end - start) / duration);
  const tail = end - (start + whole * duration);
  const count = whole === 0 ? 1 : tail < toMicros(SHORTEST_TAIL_SEC) ? whole : whole + 1;
  return Array.from({ length: count }, (_, i) => ({
    startSec: toSeconds(start + i * duration),
    endSec: toSeconds(i === count - 1 ? end : start + (i + 1) * duration),
  }));
}
