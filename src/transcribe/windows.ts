import type { TimeRange } from '../domain/time-range.ts';
import { quietestSec } from './loudness.ts';

/**
 * Window boundaries for speech recognition. Each cut is at the quietest moment of a search range whose position depends on
 * file time alone, so the windows are the same for every chunk and range of a file. A window across a chunk's edge is
 * transcribed for both chunks, and its words are divided between them by time.
 */

/** Distance of the search ranges of two cuts, in seconds. Windows last this ± `CUT_SEARCH_SEC`, at most Whisper's 30 s. */
const CUT_INTERVAL_SEC = 26;
/** Length of a cut's search range, in seconds; the range ends at a multiple of `CUT_INTERVAL_SEC`. */
const CUT_SEARCH_SEC = 4;

/** Search range of cut number `index`. Cut 0 is the start of the file and has none. */
export function cutSearchRange(index: number): TimeRange {
  return { startSec: index * CUT_INTERVAL_SEC - CUT_SEARCH_SEC, endSec: index * CUT_INTERVAL_SEC };
}

/** Index of the last cut that is certain to precede a time; 0 is the start of the file. */
export function lastCutBefore(timeSec: number): number {
  return Math.max(0, Math.floor(timeSec / CUT_INTERVAL_SEC));
}

/**
 * Time of a cut, in seconds from the start of the file.
 * @param levels loudness of the cut's search range
 */
export function cutSec(index: number, levels: Float64Array): number {
  return index <= 0 ? 0 : cutSearchRange(index).startSec + quietestSec(levels);
}

/** Sound needed to know every window that overlaps a range: up to 30 s more on either side. */
export function soundRangeFor({ startSec, endSec }: TimeRange): TimeRange {
  return {
    startSec: Math.max(0, cutSearchRange(lastCutBefore(startSec)).startSec),
    endSec: cutSearchRange(Math.ceil((endSec + CUT_SEARCH_SEC) / CUT_INTERVAL_SEC)).endSec,
  };
}
