import { change, kept, step } from './change.ts';
import type { Timeline } from './timeline.ts';

/** Slow transitions are followed on pictures this far apart, whatever the frame rate. Seconds. */
const GRID_SEC = 1 / 15;
/** Half lengths of the windows tried, in steps of the grid: dissolves of 4 pictures up to some 60. */
const HALF_LENGTHS = [1, 2, 3, 4, 6, 8, 11, 14, 18];
/** No window reaches further than this to either side of its middle. Seconds. */
export const REACH_SEC = 1.25;
/** A long window is followed in about this many steps, so that noise does not add up to a way. */
const PATH_STEPS = 8;

/** The two ends differ by at least this on the coarse planes (see `step`): less is an object that moved. */
const LEAST_STEP = 10;
/** … on a straight way: the sum of the steps between is at most 1 / 0.55 of the direct one. Motion goes astray. */
const LEAST_STRAIGHT = 0.55;
/** … of which no single picture makes more than this part, or it is a cut (or a flash), not a transition. */
const MOST_AT_ONCE = 0.6;
/** … and are different scenes (see `change`, `kept`), by more than the shots on both sides change in that time. */
const LEAST_CHANGE = 30;
const MOST_KEPT = 0.27;
const LEAST_SCORE = 22;

export interface GradualTransition {
  /** The first picture that is more of the new shot than of the old. */
  readonly frame: number;
  readonly startFrame: number;
  readonly endFrame: number;
  readonly score: number;
}

/** Numbers of the pictures on the grid. */
export class Grid {
  readonly frames: number[] = [];
  #nextSec = Number.NEGATIVE_INFINITY;

  /** Takes the picture if it is the first of its step. Half a millisecond of grace for rounded timestamps. */
  offer(frame: number, timeSec: number): void {
    if (timeSec < this.#nextSec - 0.0005) return;
    this.frames.push(frame);
    this.#nextSec = timeSec + GRID_SEC;
  }

  /** Lets go of what lies before `frame`; returns how many places all others have moved up. */
  forget(frame: number): number {
    let count = 0;
    while (this.frames[count]! < frame) count++;
    this.frames.splice(0, count);
    return count;
  }
}

/**
 * The best gradual transition whose middle is the picture at `middle` of the grid, if there is any.
 *
 * In a dissolve, a wipe or a fade from picture to picture, every pixel goes from its old value to its new one and never
 * back. So on planes coarse enough to forget small motion the way from one end to the other is straight, while camera
 * and objects lead it astray; and it joins two scenes that differ by more than either of them changes on its own.
 */
export function gradualAt(
  timeline: Timeline,
  grid: readonly number[],
  middle: number,
  isBroken: (from: number, to: number) => boolean,
): GradualTransition | undefined {
  let best: GradualTransition | undefined;
  const middleSec = timeline.timeSec(grid[middle]!);
  for (const half of HALF_LENGTHS) {
    const from = grid[middle - half];
    const to = grid[middle + half];
    if (from === undefined || to === undefined) break;
    if (middleSec - timeline.timeSec(from) > REACH_SEC || timeline.timeSec(to) - middleSec > REACH_SEC) break;
    if (isBroken(from, to)) break;
    const net = step(timeline.at(from), timeline.at(to));
    if (net < LEAST_STEP) continue;
    const straight = net / pathLength(timeline, grid, middle - half, middle + half);
    if (straight < LEAST_STRAIGHT || largestStep(timeline, from, to) > MOST_AT_ONCE * net) continue;
    const across = change(timeline.at(from), timeline.at(to));
    if (across < LEAST_CHANGE) continue;
    const score = across * straight - usualChange(timeline, grid, middle, half, isBroken);
    if (score < LEAST_SCORE || score <= (best?.score ?? 0)) continue;
    if (kept(timeline.at(from), timeline.at(to)) > MOST_KEPT) continue;
    best = { ...extent(timeline, from, to), score };
  }
  return best;
}

function pathLength(timeline: Timeline, grid: readonly number[], from: number, to: number): number {
  const stride = Math.max(1, Math.floor((to - from) / PATH_STEPS));
  let length = 0;
  for (let i = from; i < to; i += stride) {
    length += step(timeline.at(grid[i]!), timeline.at(grid[Math.min(i + stride, to)]!));
  }
  return length;
}

function largestStep(timeline: Timeline, from: number, to: number): number {
  let largest = 0;
  for (let i = from + 1; i <= to; i++) largest = Math.max(largest, timeline.step(i));
  return largest;
}

/** How much the shots before and after change on their own in half the window's time, as far as they reach. */
function usualChange(
  timeline: Timeline,
  grid: readonly number[],
  middle: number,
  half: number,
  isBroken: (from: number, to: number) => boolean,
): number {
  let usual = 0;
  for (const side of [-1, 1]) {
    const near = middle + side * half;
    for (let reach = half; reach > 0; reach--) {
      const far = near + side * reach;
      const [from, to] = [grid[Math.min(near, far)], grid[Math.max(near, far)]];
      if (from === undefined || to === undefined || from < timeline.first || isBroken(from, to)) continue;
      usual = Math.max(usual, change(timeline.at(from), timeline.at(to)));
      break;
    }
  }
  return usual;
}

/** Between two pictures on both sides: where the way has made its first tenth, its half and all but its last tenth. */
function extent(timeline: Timeline, from: number, to: number): Omit<GradualTransition, 'score'> {
  const [old, fresh] = [timeline.at(from), timeline.at(to)];
  const part = (frame: number) => {
    const gone = step(old, timeline.at(frame));
    const left = step(timeline.at(frame), fresh);
    return gone / (gone + left);
  };
  let frame = from;
  while (frame < to && part(frame) < 0.5) frame++;
  let startFrame = frame;
  while (startFrame > from && part(startFrame - 1) > 0.1) startFrame--;
  let endFrame = frame;
  while (endFrame < to && part(endFrame) < 0.9) endFrame++;
  return { frame, startFrame, endFrame };
}
