import { kept } from './change.ts';
import type { GradualTransition } from './gradual.ts';
import type { Timeline } from './timeline.ts';

/** No shot is this short: a cut so close to a slow change says that the change was within one of its shots. Seconds. */
const SHORTEST_SHOT_SEC = 0.2;
/** A scene that is seen again within this time was hidden, by smoke or somebody who walked by. Seconds. */
const HIDDEN_SEC = 1.5;
/** It is seen again if so much of its detail is (see `kept`). */
const SEEN_AGAIN = 0.6;
/** Pictures are looked at so far apart. Seconds. */
const LOOK_SEC = 0.15;

/**
 * Did what looks like a gradual transition happen within one shot, by what lies around it? Asked of few, so it may look
 * far: the old scene must not come back afterwards, nor the new one have been there before.
 *
 * @param cuts numbers of the first pictures after cuts
 */
export function isWithinOneShot(
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
  return isSeen(timeline, cuts, before, endFrame, 1) || isSeen(timeline, cuts, endFrame, before, -1);
}

/** Is the scene of a picture seen in one direction from another, in the same shot? */
function isSeen(timeline: Timeline, cuts: readonly number[], scene: number, from: number, direction: 1 | -1): boolean {
  const away = (frame: number) => Math.abs(timeline.clockSec(frame) - timeline.clockSec(from));
  let looked = 0;
  for (let i = from + direction; i >= timeline.first && i < timeline.end && away(i) <= HIDDEN_SEC; i += direction) {
    if (cuts.includes(direction > 0 ? i : i + 1)) return false;
    if (away(i) < looked + LOOK_SEC) continue;
    looked = away(i);
    if (kept(timeline.at(scene), timeline.at(i)) > SEEN_AGAIN) return true;
  }
  return false;
}
