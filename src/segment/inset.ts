import { Slab } from '../media/slab.ts';
import { changeSize } from './change.ts';
import { isCut } from './cuts.ts';
import type { Rules } from './rules.ts';
import { type Area, FINE_WIDTH, PLANE_HEIGHT, PLANE_WIDTH, Signature, WHOLE_AREA, withoutEdges } from './signature.ts';
import { Timeline } from './timeline.ts';

const PLANE_PIXELS = PLANE_WIDTH * PLANE_HEIGHT;

/** True if there is a cut at `frame` in a picture inside a still frame. Judges the inset as if it filled the screen. */
export function isInsetCut(timeline: Timeline, frame: number): boolean {
  const area = insetAt(timeline, frame);
  if (!area) return false;
  // The surroundings have strong detail that never changes: a line of them would make any two pictures of the inset alike.
  const inner = withoutEdges(area);
  const { reachFrames, reachSec, minFineFilledShare } = timeline.rules.inset;
  if (fineChangedShare(timeline, frame, inner) < minFineFilledShare) return false;
  const memory = new Slab();
  const magnified = (i: number) =>
    new Signature(timeline.at(i).magnified(inner), timeline.clockSec(i), WHOLE_AREA, memory);
  // No cut changes less, and the other pictures cost as much as everything else in the detector.
  if (changeSize(magnified(frame - 1), magnified(frame)) < timeline.rules.cut.minChange) return false;
  const inside = new Timeline(timeline.rules);
  const away = (i: number) => Math.abs(timeline.clockSec(i) - timeline.clockSec(frame));
  const isNear = (i: number) => Math.abs(i - frame) <= reachFrames || away(i) <= reachSec;
  let first = frame;
  while (first > timeline.first && isNear(first - 1)) first--;
  for (let i = first; i < timeline.end && isNear(i); i++) inside.append(magnified(i));
  return isCut(inside, frame - first);
}

/** The rectangle that changes at `frame`, if almost nothing else changes. */
function insetAt(timeline: Timeline, frame: number): Area | undefined {
  const rules = timeline.rules.inset;
  const [old, fresh] = [timeline.at(frame - 1), timeline.at(frame)];
  const area = changedArea(old, fresh, rules);
  const size = (area.bottom - area.top) * (area.right - area.left);
  if (size < rules.minAreaShare * PLANE_PIXELS) return undefined;
  const before = timeline.shownAt(old.clockSec - rules.aroundSec);
  const after = timeline.shownAt(fresh.clockSec + rules.aroundSec);
  let [filled, around] = [0, 0, 0];
  for (let row = 0, i = 0; row < PLANE_HEIGHT; row++) {
    for (let column = 0; column < PLANE_WIDTH; column++, i++) {
      const isInside = row >= area.top && row < area.bottom && column >= area.left && column < area.right;
      const isCutHere = isChanged(old, fresh, i, rules.minChangedLuma);
      const isLive =
        isChanged(before, old, i, rules.minChangedLuma) || isChanged(fresh, after, i, rules.minChangedLuma);
      if (isInside && isCutHere) filled++;
      if (!isInside && (isCutHere || isLive)) around++;
    }
  }
  const isInset = filled >= rules.minFilledShare * size && around <= rules.maxAroundShare * (PLANE_PIXELS - size);
  return isInset ? area : undefined;
}

/** Share of the pixels of 64 × 36 in an area that change at `frame`. */
function fineChangedShare(timeline: Timeline, frame: number, { top, bottom, left, right }: Area): number {
  const { minChangedLuma } = timeline.rules.inset;
  const [old, fresh] = [timeline.at(frame - 1).fine, timeline.at(frame).fine];
  let changed = 0;
  for (let row = 2 * top; row < 2 * bottom; row++) {
    for (let i = row * FINE_WIDTH + 2 * left, end = row * FINE_WIDTH + 2 * right; i < end; i++)
      if (Math.abs(old[i]! - fresh[i]!) > minChangedLuma) changed++;
  }
  return changed / (4 * (bottom - top) * (right - left));
}

function changedArea(old: Signature, fresh: Signature, { minChangedLuma, minEdgeShare }: Rules['inset']): Area {
  const rows = new Uint16Array(PLANE_HEIGHT);
  const columns = new Uint16Array(PLANE_WIDTH);
  for (let i = 0; i < PLANE_PIXELS; i++) {
    if (!isChanged(old, fresh, i, minChangedLuma)) continue;
    rows[Math.floor(i / PLANE_WIDTH)]!++;
    columns[i % PLANE_WIDTH]!++;
  }
  const [top, bottom] = extent(rows, minEdgeShare);
  const [left, right] = extent(columns, minEdgeShare);
  return { top, bottom, left, right };
}

function isChanged(a: Signature, b: Signature, i: number, minChangedLuma: number): boolean {
  return Math.abs(a.luma[i]! - b.luma[i]!) > minChangedLuma;
}

function extent(counts: Uint16Array, minEdgeShare: number): [first: number, end: number] {
  const least = Math.max(1, minEdgeShare * Math.max(...counts));
  const first = counts.findIndex((count) => count >= least);
  return first === -1 ? [0, 0] : [first, counts.findLastIndex((count) => count >= least) + 1];
}
