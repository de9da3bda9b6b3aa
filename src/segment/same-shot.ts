import { keptDetail } from './change.ts';
import type { GradualTransition } from './gradual.ts';
import { isLightingChange, isTextOverlay } from './lighting-change.ts';
import { likeness } from './likeness.ts';
import type { Timeline } from './timeline.ts';

/**
 * True if what looks like a gradual transition is a change within one shot, judged by the pictures around it: the lighting
 * changes, a cut or a larger change is close, or one scene is seen on both sides. Reads far more pictures than the search
 * for transitions does, so it is for the few that pass that search.
 *
 * @param cuts numbers of the first pictures after cuts
 */
export function isSameShot(
  timeline: Timeline,
  cuts: readonly number[],
  { startFrame, endFrame }: GradualTransition,
): boolean {
  const { sameShot, lightingChange, textOverlay } = timeline.rules;
  const sec = (frame: number) => timeline.clockSec(frame);
  const isNear = (cut: number) =>
    (cut <= startFrame && sec(startFrame) - sec(cut) < sameShot.minShotSec) ||
    (cut >= endFrame && sec(cut) - sec(endFrame) < sameShot.minShotSec);
  if (cuts.some(isNear)) return true;
  const startsAfter = Math.max(timeline.first, startFrame - 1);
  const [before, after] = [timeline.at(startsAfter), timeline.at(endFrame)];
  if (likeness(before, after) > sameShot.sameSceneLikeness) return true;
  if (isLightingChange(before, after, lightingChange) || isTextOverlay(before, after, textOverlay)) return true;
  if (isBesideLargerChange(timeline, startsAfter, endFrame)) return true;
  return reappears(timeline, cuts, startsAfter, endFrame, 1) || reappears(timeline, cuts, endFrame, startsAfter, -1);
}

/** True if a larger change is right before or after: then a flash or an explosion is growing or dying away. */
function isBesideLargerChange(timeline: Timeline, from: number, to: number): boolean {
  const { besideFrames, minExcessChange, minExcessRatio, noiseDifference } = timeline.rules.sameShot;
  const largest = (first: number, last: number, of: (frame: number) => number) => {
    let most = 0;
    for (let i = first; i <= last; i++) most = Math.max(most, of(i));
    return most;
  };
  const size = (frame: number) => timeline.change(frame).size;
  const difference = (frame: number) => timeline.coarseDifference(frame);
  const isLarger = (first: number, last: number) =>
    largest(first, last, size) > largest(from + 1, to, size) + minExcessChange &&
    largest(first, last, difference) > minExcessRatio * (largest(from + 1, to, difference) + noiseDifference);
  return isLarger(from - besideFrames + 1, from) || isLarger(to + 1, to + besideFrames);
}

/** True if the scene of picture `scene` is seen again beyond `from`, in the same shot. */
function reappears(
  timeline: Timeline,
  cuts: readonly number[],
  scene: number,
  from: number,
  direction: 1 | -1,
): boolean {
  const { maxHiddenSec, sampleIntervalSec, minKeptShare } = timeline.rules.sameShot;
  const distanceSec = (frame: number) => Math.abs(timeline.clockSec(frame) - timeline.clockSec(from));
  const isInReach = (frame: number) =>
    frame >= timeline.first && frame < timeline.end && distanceSec(frame) <= maxHiddenSec;
  let sampledSec = 0;
  for (let i = from + direction; isInReach(i); i += direction) {
    if (cuts.includes(direction > 0 ? i : i + 1)) return false;
    if (distanceSec(i) < sampledSec + sampleIntervalSec) continue;
    sampledSec = distanceSec(i);
    if (keptDetail(timeline.at(scene), timeline.at(i)) > minKeptShare) return true;
  }
  return false;
}
