import type { TimeRange } from '../media/frames.ts';
import { quietestSec } from './loudness.ts';

/**
 * Where sound is cut into the windows that a speech model hears. Each cut lies in the quietest moment of a stretch that
 * the clock of the file alone places, so windows are the same whichever chunk or range of the file is read: what is
 * said at the edge of a chunk is heard from both sides, in the same window, and its words are divided by their times.
 */

/** From one cut to the next at the least and at the most is this ± `CUT_SEARCH_SEC`; a window holds 30 s. */
const CUT_INTERVAL_SEC = 26;
/** How far before its place on the grid a cut may lie. */
const CUT_SEARCH_SEC = 4;

/** Where cut number `index` is to be looked for. There is none before the first. */
export function cutSearchRange(index: number): TimeRange {
  return { startSec: index * CUT_INTERVAL_SEC - CUT_SEARCH_SEC, endSec: index * CUT_INTERVAL_SEC };
}

/** The number of the last cut that certainly lies before a time; 0 is the start of the file. */
export function lastCutBefore(timeSec: number): number {
  return Math.max(0, Math.floor(timeSec / CUT_INTERVAL_SEC));
}

/** The time of a cut, from the loudness of its `cutSearchRange`. */
export function cutSec(index: number, levels: Float64Array): number {
  return index <= 0 ? 0 : cutSearchRange(index).startSec + quietestSec(levels);
}

/** What must be heard to know every window that reaches into a range: up to half a minute more on either side. */
export function soundRangeFor({ startSec, endSec }: TimeRange): TimeRange {
  return {
    startSec: Math.max(0, cutSearchRange(lastCutBefore(startSec)).startSec),
    endSec: cutSearchRange(Math.ceil((endSec + CUT_SEARCH_SEC) / CUT_INTERVAL_SEC)).endSec,
  };
}
