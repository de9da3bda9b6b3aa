import { keptDetail } from './change.ts';
import type { GradualTransition } from './gradual.ts';
import { isLightingChange, isTextOverlay } from './lighting-change.ts';
import { likeness } from './likeness.ts';
import type { Timeline } from './timeline.ts';

/** No shot is this short: a cut so close to a slow change says that the change was within one of its shots. Seconds. */
const SHORTEST_SHOT_SEC = 0.2;
/** A scene that is seen again within this time was hidden, by smoke or somebody who walked by. Seconds. */
const HIDDEN_SEC = 1.5;
/** It is seen again if so much of its detail is (see `keptDetail`). */
const SEEN_AGAIN = 0.6;
/** Two ends that are so alike (see `likeness`) are one scene in other light. */
const SAME_SCENE_LIKENESS = 0.6;
/** Pictures are looked at so far apart. Seconds. */
const SAMPLE_INTERVAL_SEC = 0.15;
/** What happens in so many pictures on either side is what the change belongs to … */
const BESIDE = 2;
/** … if it is larger than all within, in size by noise at least, in step by this factor and noise. */
const LARGER = 1.2;
const SIZE_NOISE = 2;
const STEP_NOISE = 1;

/**
 * Did what looks like a gradual transition happen within one shot, by what lies around it? Asked of few, so it may look
 * far: the old scene must not come back afterwards, nor the new one have been there before.
 *
 * @param cuts numbers of the first pictures after cuts
 */
export function isSameShot(
  timeline: Timeline,
  cuts: readonly number[],
  { startFrame, endFrame }: GradualTransition,
): boolean {
  const sec = (frame: number) => timeline.clockSec(frame);
  const isNear = (cut: number) =>
    (cut <= startFrame && sec(startFrame) - sec(cut) < SHORTEST_SHOT_SEC) ||
    (cut >= endFrame && sec(cut) - sec(endFrame) < SHORTEST_SHOT_SEC);
  if (cuts.some(isNear)) return true;
  const before = Math.max(timeline.first, startFrame - 1);
  const [old, fresh] = [timeline.at(before), timeline.at(endFrame)];
  if (likeness(old, fresh) > SAME_SCENE_LIKENESS || isLightingChange(old, fresh) || isTextOverlay(old, fresh))
    return true;
  if (isBesideLargerChange(timeline, before, endFrame)) return true;
  return reappears(timeline, cuts, before, endFrame, 1) || reappears(timeline, cuts, endFrame, before, -1);
}

/** Does a larger change stand beside it? Then this is how a flash or an explosion dies away, or gathers. */
function isBesideLargerChange(timeline: Timeline, from: number, to: number): boolean {
  const largest = (first: number, last: number, of: (frame: number) => number) => {
    let most = 0;
    for (let i = first; i <= last; i++) most = Math.max(most, of(i));
    return most;
  };
  const size = (frame: number) => timeline.change(frame).size;
  const difference = (frame: number) => timeline.coarseDifference(frame);
  const isLarger = (first: number, last: number) =>
    largest(first, last, size) > largest(from + 1, to, size) + SIZE_NOISE &&
    largest(first, last, difference) > LARGER * (largest(from + 1, to, difference) + STEP_NOISE);
  return isLarger(from - BESIDE + 1, from) || isLarger(to + 1, to + BESIDE);
}

/** Is the scene of a picture seen in one direction from another, in the same shot? */
function reappears(
  timeline: Timeline,
  cuts: readonly number[],
  scene: number,
  from: number,
  direction: 1 | -1,
): boolean {
  const away = (frame: number) => Math.abs(timeline.clockSec(frame) - timeline.clockSec(from));
  let looked = 0;
  for (let i = from + direction; i >= timeline.first && i < timeline.end && away(i) <= HIDDEN_SEC; i += direction) {
    if (cuts.includes(direction > 0 ? i : i + 1)) return false;
    if (away(i) < looked + SAMPLE_INTERVAL_SEC) continue;
    looked = away(i);
    if (keptDetail(timeline.at(scene), timeline.at(i)) > SEEN_AGAIN) return true;
  }
  return false;
}
