import { isCut } from './cuts.ts';
import { type Area, PLANE_HEIGHT, PLANE_WIDTH, Signature } from './signature.ts';
import { Timeline } from './timeline.ts';

const PLANE_PIXELS = PLANE_WIDTH * PLANE_HEIGHT;
/** A pixel changes if its luma does by more than this. Steps of 8 bits. */
const CHANGED_LUMA = 6;
/** A row or column belongs to the inset if it has this part of the changed pixels that the fullest one has. */
const EDGE = 0.4;
/** Least share of the picture's area that an inset has: smaller ones are cameras in a corner, and windows. */
const LEAST_AREA = 0.2;
/** An inset with a larger share than this is the whole picture, of which `isCut` has said all there is to say. */
const MOST_AREA = 0.95;
/** Least share of the inset that changes at a cut. It is a rectangle; people and objects fill less of theirs. */
const LEAST_FILLED = 0.7;
/** Most of what lies around the inset that may change at the cut and within `AROUND_SEC` of it: a clock, a ticker. */
const MOST_AROUND = 0.12;
const AROUND_SEC = 0.5;
/** Pictures on either side that the inset is judged by: so many at least, and all within so many seconds. */
const REACH_FRAMES = 8;
const REACH_SEC = 0.4;

/** True if there is a cut in a picture inside a still frame: the inset is judged as if it filled the screen. */
export function isInsetCut(timeline: Timeline, frame: number): boolean {
  const area = insetAt(timeline, frame);
  if (!area) return false;
  const inside = new Timeline();
  const away = (i: number) => Math.abs(timeline.clockSec(i) - timeline.clockSec(frame));
  const isNear = (i: number) => Math.abs(i - frame) <= REACH_FRAMES || away(i) <= REACH_SEC;
  let first = frame;
  while (first > timeline.first && isNear(first - 1)) first--;
  for (let i = first; i < timeline.end && isNear(i); i++)
    inside.append(new Signature(timeline.at(i).magnified(area), timeline.clockSec(i)));
  return isCut(inside, frame - first);
}

/** The rectangle that changes at `frame`, if next to nothing else does. */
function insetAt(timeline: Timeline, frame: number): Area | undefined {
  const [old, fresh] = [timeline.at(frame - 1), timeline.at(frame)];
  const area = changedArea(old, fresh);
  const size = (area.bottom - area.top) * (area.right - area.left);
  if (size < LEAST_AREA * PLANE_PIXELS || size > MOST_AREA * PLANE_PIXELS) return undefined;
  const before = timeline.shownAt(old.clockSec - AROUND_SEC);
  const after = timeline.shownAt(fresh.clockSec + AROUND_SEC);
  let [filled, around] = [0, 0, 0];
  for (let row = 0, i = 0; row < PLANE_HEIGHT; row++) {
    for (let column = 0; column < PLANE_WIDTH; column++, i++) {
      const isInside = row >= area.top && row < area.bottom && column >= area.left && column < area.right;
      const isCutHere = isChanged(old, fresh, i);
      const isLive = isChanged(before, old, i) || isChanged(fresh, after, i);
      if (isInside && isCutHere) filled++;
      if (!isInside && (isCutHere || isLive)) around++;
    }
  }
  const isInset = filled >= LEAST_FILLED * size && around <= MOST_AROUND * (PLANE_PIXELS - size);
  return isInset ? area : undefined;
}

function changedArea(old: Signature, fresh: Signature): Area {
  const rows = new Uint16Array(PLANE_HEIGHT);
  const columns = new Uint16Array(PLANE_WIDTH);
  for (let i = 0; i < PLANE_PIXELS; i++) {
    if (!isChanged(old, fresh, i)) continue;
    rows[Math.floor(i / PLANE_WIDTH)]!++;
    columns[i % PLANE_WIDTH]!++;
  }
  const [top, bottom] = extent(rows);
  const [left, right] = extent(columns);
  return { top, bottom, left, right };
}

function isChanged(a: Signature, b: Signature, i: number): boolean {
  return Math.abs(a.luma[i]! - b.luma[i]!) > CHANGED_LUMA;
}

function extent(counts: Uint16Array): [first: number, end: number] {
  const least = Math.max(1, EDGE * Math.max(...counts));
  const first = counts.findIndex((count) => count >= least);
  return first === -1 ? [0, 0] : [first, counts.findLastIndex((count) => count >= least) + 1];
}
