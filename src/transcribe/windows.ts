import type { TimeRange } from '../media/frames.ts';
import { quietestSec } from './loudness.ts';

/**
 * Where sound is cut into the windows that a speech model hears. Each cut lies in the quietest moment of a stretch that
 * the clock of the file alone places, so windows are the same whichever chunk or range of the file is read: what is
 * said at the edge of a chunk is heard from both sides, in the same window, and its words are divided by their times.
 */

/** From one cut to the next at the least and at the most is this ± `SEARCH_SEC`; a window holds 30 s. */
const GRID_SEC = 26;
/** How far before its place on the grid a cut may lie. */
const SEARCH_SEC = 4;

/** Where cut number `index` is to be looked for. There is none before the first. */
export function cutRange(index: number): TimeRange {
  return { startSec: index * GRID_SEC - SEARCH_SEC, endSec: index * GRID_SEC };
}

/** The number of the last cut that certainly lies before a time; 0 is the start of the file. */
export function cutBefore(timeSec: number): number {
  return Math.max(0, Math.floor(timeSec / GRID_SEC));
}

/** The time of a cut, from the loudness of its `cutRange`. */
export function cutSec(index: number, levels: Float64Array): number {
  return index <= 0 ? 0 : cutRange(index).startSec + quietestSec(levels);
}

/** What must be heard to know every window that reaches into a range: up to half a minute more on either side. */
export function listenRange({ startSec, endSec }: TimeRange): TimeRange {
  return {
    startSec: Math.max(0, cutRange(cutBefore(startSec)).startSec),
    endSec: cutRange(Math.ceil((endSec + SEARCH_SEC) / GRID_SEC)).endSec,
  };
}
