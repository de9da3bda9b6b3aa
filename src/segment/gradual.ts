import { blendShare, fadedShare, fitBlend } from './blend.ts';
import { changeInPlace, changeSize, coarseDifference, compare, keptDetail, unchangedShare } from './change.ts';
import type { Signature } from './signature.ts';
import type { Timeline } from './timeline.ts';

/** The score from which a window is a transition: scores are ratios to the least score of a dissolve or a wipe. */
export const GRADUAL_THRESHOLD = 1;

/** Tolerance for rounded timestamps on the grid. Seconds. */
const GRID_TOLERANCE_SEC = 0.0005;

export interface GradualTransition {
  /** The first picture that is more of the new shot than of the old. */
  readonly frame: number;
  readonly startFrame: number;
  readonly endFrame: number;
  readonly score: number;
  /** Score times the root of the distance covered. Of all windows on one transition, the complete one is strongest. */
  readonly strength: number;
}

/** Pictures at about equal distances in time, whatever the frame rate. */
export class FrameGrid {
  /** Numbers of the pictures held. */
  readonly frames: number[] = [];
  /** Number of pictures dropped before those held. */
  dropped = 0;
  readonly #intervalSec: number;
  #nextSec = Number.NEGATIVE_INFINITY;

  constructor(intervalSec: number) {
    this.#intervalSec = intervalSec;
  }

  /** Adds the picture if it is the first of its interval. */
  offer(frame: number, timeSec: number): void {
    if (timeSec < this.#nextSec - GRID_TOLERANCE_SEC) return;
    this.frames.push(frame);
    this.#nextSec = timeSec + this.#intervalSec;
  }

  /** Drops pictures before `frame`. @returns how many were dropped */
  discardBefore(frame: number): number {
    let count = 0;
    while (this.frames[count]! < frame) count++;
    this.frames.splice(0, count);
    this.dropped += count;
    return count;
  }
}

/**
 * The best gradual transition around place `middle` of the grid that reaches `minScore`, if any.
 * @param isBroken true if a cut or blank pictures lie between two pictures
 */
export function gradualAt(
  timeline: Timeline,
  grid: FrameGrid,
  middle: number,
  isBroken: (from: number, to: number) => boolean,
  minScore = GRADUAL_THRESHOLD,
): GradualTransition | undefined {
  const { halfLengthSteps, reachSec } = timeline.rules.gradual;
  let best: GradualTransition | undefined;
  const middleSec = timeline.clockSec(grid.frames[middle]!);
  for (const half of halfLengthSteps) {
    const from = grid.frames[middle - half];
    const to = grid.frames[middle + half];
    if (from === undefined || to === undefined) break;
    if (middleSec - timeline.clockSec(from) > reachSec || timeline.clockSec(to) - middleSec > reachSec) break;
    if (isBroken(from, to)) break;
    // A long window need not be tried at every step: moved by a quarter of its length it finds the same transition.
    if ((grid.dropped + middle) % Math.max(1, half >> 1) !== 0) continue;
    const distance = coarseDifference(timeline.at(from), timeline.at(to));
    const score = scoreOf(timeline, grid.frames, middle - half, middle + half, distance);
    const strength = score * Math.sqrt(distance);
    if (score < minScore || strength <= (best?.strength ?? 0)) continue;
    best = { ...extent(timeline, from, to), score, strength };
  }
  return best;
}

/**
 * Score of the window between two places of the grid; `Number.NEGATIVE_INFINITY` if it cannot be a transition.
 *
 * In every gradual transition the ends differ by more than exposure, and neither detail nor plain surfaces of the old shot
 * stay in place. No pixel reverses, so the path on the coarse planes is fairly straight; camera and objects bend it. Then
 * `blend.ts` decides: blends are a dissolve; patchwork is a wipe if displacement of blocks explains little of the change.
 * Cheap tests come first, since they reject most windows.
 *
 * @param distance coarse difference of the ends
 */
function scoreOf(timeline: Timeline, grid: readonly number[], first: number, last: number, distance: number): number {
  const rules = timeline.rules.gradual;
  const [from, to] = [grid[first]!, grid[last]!];
  const [before, after] = [timeline.at(from), timeline.at(to)];
  const none = Number.NEGATIVE_INFINITY;
  if (distance < rules.minDifference || largestDifference(timeline, from, to) > rules.maxStepShare * distance)
    return none;
  const straightness = distance / pathLength(timeline, stepsOf(grid, first, last, rules.pathParts));
  const motionless = residualShare(timeline, from, to);
  if (straightness * motionless < rules.minPromise) return none;
  if (changeInPlace(before, after) < rules.minChange) return none;
  const change = changeSize(before, after);
  if (change < rules.minChange) return none;
  const difference = Math.min(1, change / rules.unrelatedChange);
  const otherness = difference * (1 - keptDetail(before, after)) * (1 - unchangedShare(before, after));
  if (otherness < rules.minOtherness) return none;
  const pictures = sampleWindow(timeline, from, to);
  const fit = fitBlend(pictures);
  const fading = otherness * (rules.sharpWeight + fadedShare(pictures));
  const dissolve = fading * fit.maxBlendShare < rules.minDissolve ? 0 : fading * blendShare(pictures, fit);
  let wipe = otherness * fit.patchworkShare * motionless;
  for (const parts of rules.motionParts) {
    if (wipe < rules.minWipe) break;
    const steps = stepsOf(grid, first, last, parts);
    wipe = Math.min(wipe, otherness * fit.patchworkShare * residualShareInSteps(timeline, steps));
  }
  return Math.max(dissolve / rules.minDissolve, wipe / rules.minWipe);
}

/** The pictures at the quarters of the window, or all pictures of a shorter one. */
function sampleWindow(timeline: Timeline, from: number, to: number): Signature[] {
  const count = Math.min(4, to - from);
  return Array.from({ length: count + 1 }, (_, i) => timeline.at(Math.round(from + ((to - from) * i) / count)));
}

/** Share of the changes from picture to picture that displacement of blocks does not explain, 0 to 1. */
function residualShare(timeline: Timeline, from: number, to: number): number {
  let residual = timeline.rules.gradual.noiseChange;
  let inPlace = residual;
  for (let i = from + 1; i <= to; i++) {
    residual += timeline.change(i).residual;
    inPlace += timeline.change(i).inPlace;
  }
  return residual / inPlace;
}

function residualShareInSteps(timeline: Timeline, frames: readonly number[]): number {
  let residual = timeline.rules.gradual.noiseChange;
  let inPlace = residual;
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

/** Pictures of the grid from place `first` to `last`, both included, in about `count` equal steps. */
function stepsOf(grid: readonly number[], first: number, last: number, count: number): number[] {
  const stride = Math.max(1, Math.round((last - first) / count));
  const frames: number[] = [];
  for (let i = first; i < last; i += stride) frames.push(grid[i]!);
  return [...frames, grid[last]!];
}

function largestDifference(timeline: Timeline, from: number, to: number): number {
  let largest = 0;
  for (let i = from + 1; i <= to; i++) largest = Math.max(largest, timeline.coarseDifference(i));
  return largest;
}

/** The part of a window in which the picture covers most of the way from one end to the other, and its middle. */
function extent(timeline: Timeline, from: number, to: number): Omit<GradualTransition, 'score' | 'strength'> {
  const { startShare, endShare } = timeline.rules.gradual;
  const [before, after] = [timeline.at(from), timeline.at(to)];
  const share = (frame: number) => {
    const covered = coarseDifference(before, timeline.at(frame));
    const left = coarseDifference(timeline.at(frame), after);
    return covered / (covered + left);
  };
  let frame = from;
  while (frame < to && share(frame) < 0.5) frame++;
  let startFrame = frame;
  while (startFrame > from && share(startFrame - 1) > startShare) startFrame--;
  let endFrame = frame;
  while (endFrame < to && share(endFrame) < endShare) endFrame++;
  return { frame: (startFrame + endFrame) >> 1, startFrame, endFrame };
}
