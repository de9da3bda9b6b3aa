import { blendShare, fadedShare, fitBlend } from './blend.ts';
import { changeInPlace, changeSize, coarseDifference, compare, keptDetail, unchangedShare } from './change.ts';
import type { Signature } from './signature.ts';
import type { Timeline } from './timeline.ts';

/** Slow transitions are followed on pictures this far apart, whatever the frame rate. Seconds. */
const GRID_SEC = 1 / 15;
/** Half lengths of the windows tried, in steps of the grid: dissolves of 4 pictures up to some 60. */
const HALF_LENGTHS = [1, 2, 3, 5, 8, 12, 18];
/** No window reaches further than this to either side of its middle. Seconds. */
export const REACH_SEC = 1.25;
/** The way from one end of a window to the other is measured in this many steps; more would add up noise and motion. */
const PATH_STEPS = 4;
/** Motion is looked for from each picture to the next, and in this many steps: slow motion shows only over a while. */
const MOTION_STEPS = [8, 4];

/** The two ends differ by at least this on the coarse planes (see `coarseDifference`): less is not worth a closer look. */
const LEAST_STEP = 10;
/** No single picture makes more than this part of the difference, or it is a cut (or a flash), not a transition. */
const MOST_AT_ONCE = 0.6;
/** Two pictures that differ by this (see `Change`) have nothing in common; by less than the second, too much. */
const UNRELATED = 45;
const RELATED = 28;
/** Added on both sides of a ratio of small differences, so that noise alone decides nothing. Units of the pattern. */
const PATTERN_NOISE = 2;
/** A way that is less straight, or more of it displacement, is not worth a closer look: the product of the two shares. */
const LEAST_PROMISE = 0.35;
/** What a dissolve and what a wipe must score. Their ratio to it is what they are compared by. */
const LEAST_DISSOLVE = 0.42;
const LEAST_WIPE = 0.36;
/** A blend that lacks no detail (see `fadedShare`) counts this much, one that lacks half of it as much again. */
const SHARP = 0.5;
/** Scenes of which more is the same reach neither, for the other factors are below 1: the least share that is not. */
const LEAST_OTHER = 0.4;
/** The least score of a transition, in these units. */
export const LEAST_SCORE = 1;

export interface GradualTransition {
  /** The first picture that is more of the new shot than of the old. */
  readonly frame: number;
  readonly startFrame: number;
  readonly endFrame: number;
  readonly score: number;
  /** Score times the way made: of windows on one transition the one that holds all of it is the strongest. */
  readonly strength: number;
}

/** The pictures on the grid. */
export class FrameGrid {
  /** Their numbers. */
  readonly frames: number[] = [];
  /** How many there were before these. */
  dropped = 0;
  #nextSec = Number.NEGATIVE_INFINITY;

  /** Takes the picture if it is the first of its step. Half a millisecond of grace for rounded timestamps. */
  offer(frame: number, timeSec: number): void {
    if (timeSec < this.#nextSec - 0.0005) return;
    this.frames.push(frame);
    this.#nextSec = timeSec + GRID_SEC;
  }

  /** Lets go of what lies before `frame`; returns how many places all others have moved up. */
  discardBefore(frame: number): number {
    let count = 0;
    while (this.frames[count]! < frame) count++;
    this.frames.splice(0, count);
    this.dropped += count;
    return count;
  }
}

/**
 * The best gradual transition whose middle is the picture at `middle` of the grid, if any reaches the least score.
 *
 * In every gradual transition the two ends differ by more than exposure, and neither detail nor plain surfaces of the old
 * shot are where they were.
 * And no pixel goes back: on planes coarse enough to forget small motion the way between the ends is rather straight,
 * while camera and objects lead it astray. Then, how the pictures between come out of those around them decides (see
 * `blend.ts`): blends are a dissolve; patchwork is a wipe, if displacement of blocks explains little of what changes.
 */
export function gradualAt(
  timeline: Timeline,
  { frames: grid, dropped }: FrameGrid,
  middle: number,
  isBroken: (from: number, to: number) => boolean,
  leastScore = LEAST_SCORE,
): GradualTransition | undefined {
  let best: GradualTransition | undefined;
  const middleSec = timeline.clockSec(grid[middle]!);
  for (const half of HALF_LENGTHS) {
    const from = grid[middle - half];
    const to = grid[middle + half];
    if (from === undefined || to === undefined) break;
    if (middleSec - timeline.clockSec(from) > REACH_SEC || timeline.clockSec(to) - middleSec > REACH_SEC) break;
    if (isBroken(from, to)) break;
    // A long window need not be tried at every step: moved by a quarter of its length it finds the same transition.
    if ((dropped + middle) % Math.max(1, half >> 1) !== 0) continue;
    const [old, fresh] = [timeline.at(from), timeline.at(to)];
    const net = coarseDifference(old, fresh);
    if (net < LEAST_STEP || largestStep(timeline, from, to) > MOST_AT_ONCE * net) continue;
    const straight = net / pathLength(timeline, stepsOf(grid, middle - half, middle + half, PATH_STEPS));
    const motionless = residualShare(timeline, from, to);
    if (straight * motionless < LEAST_PROMISE) continue;
    if (changeInPlace(old, fresh) < RELATED) continue;
    const difference = changeSize(old, fresh);
    if (difference < RELATED) continue;
    const other = Math.min(1, difference / UNRELATED) * (1 - keptDetail(old, fresh)) * (1 - unchangedShare(old, fresh));
    if (other < LEAST_OTHER) continue;
    const pictures = sampleWindow(timeline, from, to);
    const fit = fitBlend(pictures);
    let wipe = other * fit.patchworkShare * motionless;
    const fading = other * (SHARP + fadedShare(pictures));
    const dissolve = fading * fit.maxBlendShare < LEAST_DISSOLVE ? 0 : fading * blendShare(pictures, fit);
    for (const count of MOTION_STEPS) {
      if (wipe < LEAST_WIPE) break;
      const steps = stepsOf(grid, middle - half, middle + half, count);
      wipe = Math.min(wipe, other * fit.patchworkShare * residualShareInSteps(timeline, steps));
    }
    const score = Math.max(dissolve / LEAST_DISSOLVE, wipe / LEAST_WIPE);
    const strength = score * Math.sqrt(net);
    if (score < leastScore || strength <= (best?.strength ?? 0)) continue;
    best = { ...extent(timeline, from, to), score, strength };
  }
  return best;
}

/** A picture at each quarter of the way, or all of a shorter one. */
function sampleWindow(timeline: Timeline, from: number, to: number): Signature[] {
  const count = Math.min(4, to - from);
  return Array.from({ length: count + 1 }, (_, i) => timeline.at(Math.round(from + ((to - from) * i) / count)));
}

/** The part of the changes from picture to picture that displacement of blocks does not explain, 0 to 1. */
function residualShare(timeline: Timeline, from: number, to: number): number {
  let residual = PATTERN_NOISE;
  let inPlace = PATTERN_NOISE;
  for (let i = from + 1; i <= to; i++) {
    residual += timeline.change(i).residual;
    inPlace += timeline.change(i).inPlace;
  }
  return residual / inPlace;
}

function residualShareInSteps(timeline: Timeline, frames: readonly number[]): number {
  let residual = PATTERN_NOISE;
  let inPlace = PATTERN_NOISE;
  for (let i = 1; i < frames.length; i++) {
    const change = compare(timeline.at(frames[i - 1]!), timeline.at(frames[i]!));
    residual += change.residual;
    inPlace += change.inPlace;
  }
  return residual / inPlace;
}

function pathLength(timeline: Timeline, frames: readonly number[]): number {
  let length = 0;
  for (let i = 1; i < frames.length; i++)
    length += coarseDifference(timeline.at(frames[i - 1]!), timeline.at(frames[i]!));
  return length;
}

/** About `count` equal steps of the grid from one of its pictures to another, both included. */
function stepsOf(grid: readonly number[], from: number, to: number, count: number): number[] {
  const stride = Math.max(1, Math.round((to - from) / count));
  const frames: number[] = [];
  for (let i = from; i < to; i += stride) frames.push(grid[i]!);
  return [...frames, grid[to]!];
}

function largestStep(timeline: Timeline, from: number, to: number): number {
  let largest = 0;
  for (let i = from + 1; i <= to; i++) largest = Math.max(largest, timeline.coarseDifference(i));
  return largest;
}

/** Between two pictures on both sides: where the way has made its first tenth, its half and all but its last tenth. */
function extent(timeline: Timeline, from: number, to: number): Omit<GradualTransition, 'score' | 'strength'> {
  const [old, fresh] = [timeline.at(from), timeline.at(to)];
  const part = (frame: number) => {
    const gone = coarseDifference(old, timeline.at(frame));
    const left = coarseDifference(timeline.at(frame), fresh);
    return gone / (gone + left);
  };
  let frame = from;
  while (frame < to && part(frame) < 0.5) frame++;
  let startFrame = frame;
  while (startFrame > from && part(startFrame - 1) > 0.1) startFrame--;
  let endFrame = frame;
  while (endFrame < to && part(endFrame) < 0.9) endFrame++;
  return { frame: (startFrame + endFrame) >> 1, startFrame, endFrame };
}
