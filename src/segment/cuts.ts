import { blendShare, fitBlend } from './blend.ts';
import { changeSize, keptDetail, meanLumaDifference, unchangedShare } from './change.ts';
import { isLightingChange, isTextOverlay } from './lighting-change.ts';
import { fineLikeness, likeness } from './likeness.ts';
import type { Rules } from './rules.ts';
import type { Signature } from './signature.ts';
import type { Timeline } from './timeline.ts';

/** True if the timeline holds enough pictures after `frame` to decide on a cut there. */
export function hasCutLookAhead(timeline: Timeline, frame: number): boolean {
  const { neighbourFrames, drawingNeighbourSec } = timeline.rules.cut;
  const last = timeline.end - 1;
  return last >= frame + neighbourFrames && timeline.clockSec(last) > timeline.clockSec(frame) + drawingNeighbourSec;
}

/** True if a new shot starts at `frame` without a transition. Compares the pictures held on both sides. */
export function isCut(timeline: Timeline, frame: number): boolean {
  return isCutInConstantLight(timeline, frame) && !isSameScene(timeline, frame);
}

/** `isCut` for pictures in the same light: neither a change of lighting nor a title explains their difference. */
export function isCutInConstantLight(timeline: Timeline, frame: number): boolean {
  const { cut } = timeline.rules;
  const { size } = timeline.change(frame);
  if (size < cut.minChange || !isPeak(timeline, frame)) return false;
  const surrounding = surroundingChange(timeline, frame);
  if (size < threshold(surrounding, cut)) return false;
  if (isFlashEdge(timeline, frame)) return false;
  const [before, after] = [timeline.at(frame - 1), timeline.at(frame)];
  if (meanLumaDifference(before, after) < cut.minLumaDifference) return false;
  const unchanged = unchangedShare(before, after);
  if (unchanged > cut.maxUnchangedShare) return false;
  const novelty = (size / (surrounding + cut.noiseChange)) * (1 - unchanged);
  const isNew = (kept: number) => kept <= cut.maxKeptShare && novelty * (1 - kept) >= cut.minNovelty;
  const kept = keptDetail(before, after);
  if (!isNew(kept)) return false;
  const nearby = Math.max(kept, maxKeptDetailNearby(timeline, frame, size));
  return isNew(nearby) && novelty * (1 - Math.max(nearby, likenessAcross(timeline, frame))) >= cut.minNovelty;
}

/**
 * True if only the lighting or a title differs. The pictures one further apart must show that too, since those next to a
 * cut may be mixtures of both shots.
 */
function isSameScene(timeline: Timeline, frame: number): boolean {
  const { lightingChange, textOverlay } = timeline.rules;
  const pairs = [
    [frame - 1, frame],
    [Math.max(timeline.first, frame - 2), Math.min(frame + 1, timeline.end - 1)],
  ] as const;
  return pairs.every(([before, after]) => {
    const [a, b] = [timeline.at(before), timeline.at(after)];
    return isLightingChange(a, b, lightingChange) || isTextOverlay(a, b, textOverlay);
  });
}

/**
 * Likeness of the pictures on both sides of `frame`, from 0 (nothing in common) to 1 (one scene). A picture that mixes both
 * shots (blended or interlaced fields) is like either of them, so the one beyond it is compared as well.
 */
function likenessAcross(timeline: Timeline, frame: number): number {
  const { minCoarseLikeness, unrelatedLikeness, sameSceneLikeness } = timeline.rules.cutLikeness;
  const between = (before: number, after: number) => {
    const [a, b] = [timeline.at(before), timeline.at(after)];
    return likeness(a, b) > minCoarseLikeness ? fineLikeness(a, b) : 0;
  };
  let least = between(frame - 1, frame);
  if (least > unrelatedLikeness && isBlendedFrame(timeline, frame - 1))
    least = Math.min(least, between(frame - 2, frame));
  if (least > unrelatedLikeness && isBlendedFrame(timeline, frame))
    least = Math.min(least, between(frame - 1, frame + 1));
  return Math.min(1, Math.max(0, (least - unrelatedLikeness) / (sameSceneLikeness - unrelatedLikeness)));
}

/** True if the picture is a blend of its two neighbours, not a step of motion between them. */
function isBlendedFrame(timeline: Timeline, frame: number): boolean {
  if (frame - 1 < timeline.first || frame + 1 >= timeline.end) return false;
  const pictures = [-1, 0, 1].map((d) => timeline.at(frame + d));
  return blendShare(pictures, fitBlend(pictures)) > timeline.rules.cutLikeness.minBlendShare;
}

/** The change that a cut at `frame` must reach, given the changes of its neighbours. Units of `changeSize`. */
export function cutThreshold(timeline: Timeline, frame: number): number {
  return threshold(surroundingChange(timeline, frame), timeline.rules.cut);
}

function threshold(surrounding: number, { minChange, minExcessChange }: Rules['cut']): number {
  return Math.max(minChange, surrounding + minExcessChange);
}

function surroundingChange(timeline: Timeline, frame: number): number {
  return Math.max(secondLargestChange(timeline, frame, -1), secondLargestChange(timeline, frame, 1));
}

/** A cut smeared over two or three pictures (blended fields, changed frame rate) counts once, at the largest change. */
function isPeak(timeline: Timeline, frame: number): boolean {
  const { size } = timeline.change(frame);
  for (const d of [1, 2])
    if (timeline.change(frame - d).size >= size || timeline.change(frame + d).size > size) return false;
  return true;
}

/**
 * True if a flash begins or ends at `frame` and the cut is at its other end. Pictures too bright to show anything belong to
 * the shot that they differ less from.
 */
function isFlashEdge(timeline: Timeline, frame: number): boolean {
  const { minLuma } = timeline.rules.flash;
  const { maxSec } = timeline.rules.interruption;
  const { size } = timeline.change(frame);
  const sec = timeline.clockSec(frame);
  const mean = (at: number) => timeline.at(at).mean;
  let least = mean(frame);
  for (let i = frame + 1; i < timeline.end && timeline.clockSec(i) <= sec + maxSec; i++) {
    if (least - minLuma < mean(frame - 1)) break;
    if (timeline.change(i).size > size && least - minLuma > mean(i)) return true;
    least = Math.min(least, mean(i));
  }
  least = mean(frame - 1);
  for (let i = frame - 1; i > timeline.first && timeline.clockSec(i) >= sec - maxSec; i--) {
    if (least - minLuma < mean(frame)) break;
    if (timeline.change(i).size >= size && least - minLuma > mean(i - 1)) return true;
    least = Math.min(least, mean(i - 1));
  }
  return false;
}

/**
 * The second largest change of the neighbours on one side. It is not the largest, so that another cut close by does not
 * hide this one; animation on twos or threes still counts as motion.
 */
function secondLargestChange(timeline: Timeline, frame: number, direction: 1 | -1): number {
  const { neighbourFrames, neighbourSec, drawingNeighbourSec, companyShare } = timeline.rules.cut;
  let largest = 0;
  let second = 0;
  const sec = timeline.clockSec(frame);
  for (let count = 1, i = frame + direction; i > timeline.first && i < timeline.end; count++, i += direction) {
    const distanceSec = Math.abs(timeline.clockSec(i) - sec);
    const isAlone = second < companyShare * largest;
    if (count > neighbourFrames && distanceSec > (isAlone ? drawingNeighbourSec : neighbourSec)) break;
    const size = changeIgnoringFlashes(timeline, i, frame);
    if (size > largest) {
      second = largest;
      largest = size;
    } else if (size > second) second = size;
  }
  return second;
}

/**
 * The change of a picture, without flashes of a single picture (gunfire, a photographer): the picture after a flash is
 * compared with the one before it. Never compares pictures on different sides of `cutFrame`.
 */
function changeIgnoringFlashes(timeline: Timeline, frame: number, cutFrame: number): number {
  const { minLuma } = timeline.rules.flash;
  const isFlash = (at: number) => {
    if (at - 1 < timeline.first || at + 1 >= timeline.end || (at - 1 < cutFrame && at + 1 >= cutFrame)) return false;
    return timeline.at(at).mean - minLuma > Math.max(timeline.at(at - 1).mean, timeline.at(at + 1).mean);
  };
  if (isFlash(frame)) return 0;
  return isFlash(frame - 1) ? changeSize(timeline.at(frame - 2), timeline.at(frame)) : timeline.change(frame).size;
}

/**
 * The largest share of detail that the old shot still has shortly after `frame`, or that the new one had shortly before; 1
 * if either shot itself is there. A fast move loses the detail that it blurs or hides, and finds some of it again.
 */
function maxKeptDetailNearby(timeline: Timeline, frame: number, size: number): number {
  const { interruption, flash } = timeline.rules;
  const before = timeline.at(frame - 1);
  const after = timeline.at(frame);
  let most = 0;
  for (let i = frame + 1; i < timeline.end && timeline.clockSec(i) <= after.clockSec + interruption.maxSec; i++) {
    if (hasReturned(before, after, timeline.at(i), size, interruption, flash)) return 1;
    most = Math.max(most, keptDetail(before, timeline.at(i)));
  }
  for (let i = frame - 2; i >= timeline.first && timeline.clockSec(i) >= before.clockSec - interruption.maxSec; i--) {
    if (hasReturned(after, before, timeline.at(i), size, interruption, flash)) return 1;
    most = Math.max(most, keptDetail(after, timeline.at(i)));
  }
  return most;
}

/** True if `later` shows the scene that `between` interrupted. @param size change from the scene to `between` */
function hasReturned(
  scene: Signature,
  between: Signature,
  later: Signature,
  size: number,
  interruption: Rules['interruption'],
  flash: Rules['flash'],
): boolean {
  const difference = changeSize(scene, later);
  if (difference < Math.min(interruption.maxReturnChange, interruption.maxReturnShare * size)) return true;
  const brightness = Math.abs(between.mean - scene.mean);
  if (brightness <= flash.minLuma || Math.abs(later.mean - scene.mean) >= flash.maxRestShare * brightness) return false;
  const isAlmostSame = difference < interruption.maxFlashReturnShare * size;
  if (isAlmostSame && keptDetail(scene, later) > interruption.minFlashKeptShare) return true;
  return likeness(scene, later) > interruption.sameSceneLikeness;
}
