import { blendShare, fitBlend } from './blend.ts';
import { changeSize, isWithinNoise, keptDetail, unchangedShare } from './change.ts';
import { isLightingChange, isTextOverlay } from './lighting-change.ts';
import { fineLikeness, likeness } from './likeness.ts';
import type { Signature } from './signature.ts';
import type { Timeline } from './timeline.ts';

/** A hard cut changes the picture by at least this (see `changeSize`); unrelated pictures differ by 40 and more. */
const LEAST_CHANGE = 20;
/** … and by this much more than the pictures around it change, so that a fast pan or a fight is no row of cuts … */
const LEAST_EXCESS = 12;
/**
 * … and by so many times what they change by, times the share of the detail that is new, times the share of the picture
 * that does not stand: where much goes on a new shot must be new throughout; where all is quiet it may be the same scene
 * from closer by.
 */
const LEAST_NEWS = 1.05;
/** Smooth pictures have little fine detail, which may be alike by chance: they must be alike in coarser detail too … */
const MIN_COARSE_LIKENESS = 0.45;
/** … then up to this likeness (see `fineLikeness`) they may have nothing in common, and from the second on they are one scene. */
const UNRELATED_LIKENESS = 0.4;
const SAME_SCENE_LIKENESS = 0.7;
/** A picture is a mixture of its neighbours if it is so much of a blend (see `blendShare`): most are 0.65 and more, motion below 0.45. */
const MIN_BLEND_SHARE = 0.45;
/** Added to what changes around it, so that the ratio means something where nothing does. */
const CHANGE_NOISE = 4;
/** A new shot keeps at most this share of the detail (see `keptDetail`), within `INTERRUPTION_SEC`, however quiet it is … */
const MOST_KEPT = 0.6;
/** … and leaves at most this share of the picture as it was (see `unchangedShare`). */
const MOST_STANDING = 0.6;
/** Pictures looked at on either side to know how much they change anyway: so many, and all within so many seconds. */
const NEIGHBOURS = 5;
const NEIGHBOURS_SEC = 0.2;
/**
 * … and further, to this, where one change stands alone: drawings may stand for three or four pictures, and where only one
 * of them is near nothing seems to change. Another change of this part of it is company. Seconds.
 */
const DRAWINGS_SEC = 0.35;
const COMPANY = 0.25;
/**
 * A picture that comes back within this time was interrupted, not replaced: a flash, a lightning, a dropped frame.
 * Shots shorter than this between two halves of another are rare even in trailers. Seconds.
 */
export const INTERRUPTION_SEC = 0.2;
/** It has come back if it differs by less than this part of the interruption's change, and no more than this. */
const COME_BACK = 0.6;
const COME_BACK_MOST = 36;
/** Or if the light was up or down by this (mean luma) in between: then a scene in motion may have moved on meanwhile … */
const FLASH = 25;
/** … so far that it differs by this part of the interruption's change, but some of its detail is still there … */
const COME_BACK_MOVED = 0.8;
const COME_BACK_KEPT = 0.1;
/** … or by any, but it looks like the same scene (see `likeness`). */
const COME_BACK_ALIKE = 0.6;

/** Are enough pictures after `frame` known to say whether it is a cut? */
export function hasCutLookAhead(timeline: Timeline, frame: number): boolean {
  const last = timeline.end - 1;
  return last >= frame + NEIGHBOURS && timeline.clockSec(last) > timeline.clockSec(frame) + DRAWINGS_SEC;
}

/** Does a new shot start, without transition, at this picture? Looks at what is held on both sides. */
export function isCut(timeline: Timeline, frame: number): boolean {
  return isCutInConstantLight(timeline, frame) && !isSameScene(timeline, frame);
}

/** `isCut` where both sides are known to be lit alike, so that no lamp or title explains what differs. */
export function isCutInConstantLight(timeline: Timeline, frame: number): boolean {
  const { size } = timeline.change(frame);
  if (size < LEAST_CHANGE || !isPeak(timeline, frame)) return false;
  const surrounding = surroundingChange(timeline, frame);
  if (size < threshold(surrounding)) return false;
  if (isFlashEdge(timeline, frame)) return false;
  const [old, fresh] = [timeline.at(frame - 1), timeline.at(frame)];
  if (isWithinNoise(old, fresh)) return false;
  const stands = unchangedShare(old, fresh);
  if (stands > MOST_STANDING) return false;
  const news = (size / (surrounding + CHANGE_NOISE)) * (1 - stands);
  const isNew = (share: number) => share <= MOST_KEPT && news * (1 - share) >= LEAST_NEWS;
  const same = keptDetail(old, fresh);
  if (!isNew(same)) return false;
  const around = Math.max(same, maxKeptDetailNearby(timeline, frame, size));
  return isNew(around) && news * (1 - Math.max(around, likenessAcross(timeline, frame))) >= LEAST_NEWS;
}

/** Next to a cut pictures may be mixtures of the two shots: those beyond them are other shots still. */
function isSameScene(timeline: Timeline, frame: number): boolean {
  const pairs = [
    [frame - 1, frame],
    [Math.max(timeline.first, frame - 2), Math.min(frame + 1, timeline.end - 1)],
  ] as const;
  return pairs.every(([before, after]) => {
    const [old, fresh] = [timeline.at(before), timeline.at(after)];
    return isLightingChange(old, fresh) || isTextOverlay(old, fresh);
  });
}

/**
 * How much of the old shot the new one looks like, 0 to 1. The picture before or after the cut may be a mixture of the two
 * shots (blended or interlaced fields), which looks like both; then the one beyond it is compared too.
 */
function likenessAcross(timeline: Timeline, frame: number): number {
  const between = (before: number, after: number) => {
    const [old, fresh] = [timeline.at(before), timeline.at(after)];
    return likeness(old, fresh) > MIN_COARSE_LIKENESS ? fineLikeness(old, fresh) : 0;
  };
  let least = between(frame - 1, frame);
  if (least > UNRELATED_LIKENESS && isBlendedFrame(timeline, frame - 1))
    least = Math.min(least, between(frame - 2, frame));
  if (least > UNRELATED_LIKENESS && isBlendedFrame(timeline, frame))
    least = Math.min(least, between(frame - 1, frame + 1));
  return Math.min(1, Math.max(0, (least - UNRELATED_LIKENESS) / (SAME_SCENE_LIKENESS - UNRELATED_LIKENESS)));
}

/** Is a picture a blend of those before and after it, rather than a step between them? */
function isBlendedFrame(timeline: Timeline, frame: number): boolean {
  if (frame - 1 < timeline.first || frame + 1 >= timeline.end) return false;
  const pictures = [-1, 0, 1].map((d) => timeline.at(frame + d));
  return blendShare(pictures, fitBlend(pictures)) > MIN_BLEND_SHARE;
}

/** What the change of this picture has to reach to be that of a cut, by what changes around it. */
export function cutThreshold(timeline: Timeline, frame: number): number {
  return threshold(surroundingChange(timeline, frame));
}

function threshold(surrounding: number): number {
  return Math.max(LEAST_CHANGE, surrounding + LEAST_EXCESS);
}

function surroundingChange(timeline: Timeline, frame: number): number {
  return Math.max(secondLargest(timeline, frame, -1), secondLargest(timeline, frame, 1));
}

/** A cut smeared over two or three pictures (blended fields, changed frame rate) counts once, where most changes. */
function isPeak(timeline: Timeline, frame: number): boolean {
  const { size } = timeline.change(frame);
  for (const d of [1, 2])
    if (timeline.change(frame - d).size >= size || timeline.change(frame + d).size > size) return false;
  return true;
}

/**
 * Does a flash begin or end here that a cut lies at the other side of? Pictures so bright that little can be seen of
 * them belong to the shot that they differ less from.
 */
function isFlashEdge(timeline: Timeline, frame: number): boolean {
  const { size } = timeline.change(frame);
  const sec = timeline.clockSec(frame);
  const mean = (at: number) => timeline.at(at).mean;
  let least = mean(frame);
  for (let i = frame + 1; i < timeline.end && timeline.clockSec(i) <= sec + INTERRUPTION_SEC; i++) {
    if (least - FLASH < mean(frame - 1)) break;
    if (timeline.change(i).size > size && least - FLASH > mean(i)) return true;
    least = Math.min(least, mean(i));
  }
  least = mean(frame - 1);
  for (let i = frame - 1; i > timeline.first && timeline.clockSec(i) >= sec - INTERRUPTION_SEC; i--) {
    if (least - FLASH < mean(frame)) break;
    if (timeline.change(i).size >= size && least - FLASH > mean(i - 1)) return true;
    least = Math.min(least, mean(i - 1));
  }
  return false;
}

/**
 * How much the pictures on one side change anyway: the second largest change, so that another cut close by does not
 * hide this one, and drawings that stand for two or three pictures still count as moving.
 */
function secondLargest(timeline: Timeline, frame: number, direction: 1 | -1): number {
  let largest = 0;
  let second = 0;
  const sec = timeline.clockSec(frame);
  for (let count = 1, i = frame + direction; i > timeline.first && i < timeline.end; count++, i += direction) {
    const away = Math.abs(timeline.clockSec(i) - sec);
    const isAlone = second < COMPANY * largest;
    if (count > NEIGHBOURS && away > (isAlone ? DRAWINGS_SEC : NEIGHBOURS_SEC)) break;
    const size = changeIgnoringFlashes(timeline, i, frame);
    if (size > largest) {
      second = largest;
      largest = size;
    } else if (size > second) second = size;
  }
  return second;
}

/**
 * How much a picture changes the one before, leaving out pictures that are no more than a flash (gunfire, a photographer):
 * what changes from the one before it to the one after counts instead. Shots on either side of `frame` are kept apart.
 */
function changeIgnoringFlashes(timeline: Timeline, i: number, frame: number): number {
  const isFlash = (at: number) => {
    if (at - 1 < timeline.first || at + 1 >= timeline.end || (at - 1 < frame && at + 1 >= frame)) return false;
    return timeline.at(at).mean - FLASH > Math.max(timeline.at(at - 1).mean, timeline.at(at + 1).mean);
  };
  if (isFlash(i)) return 0;
  return isFlash(i - 1) ? changeSize(timeline.at(i - 2), timeline.at(i)) : timeline.change(i).size;
}

/**
 * The largest share of its detail that the old shot still has a moment later, or the new one had a moment before: 1 if
 * it was there at all. A fast move loses what it blurs or hides, and finds some of it again.
 */
function maxKeptDetailNearby(timeline: Timeline, frame: number, size: number): number {
  const old = timeline.at(frame - 1);
  const fresh = timeline.at(frame);
  let most = 0;
  for (let i = frame + 1; i < timeline.end && timeline.clockSec(i) <= fresh.clockSec + INTERRUPTION_SEC; i++) {
    if (hasReturned(old, fresh, timeline.at(i), size)) return 1;
    most = Math.max(most, keptDetail(old, timeline.at(i)));
  }
  for (let i = frame - 2; i >= timeline.first && timeline.clockSec(i) >= old.clockSec - INTERRUPTION_SEC; i--) {
    if (hasReturned(fresh, old, timeline.at(i), size)) return 1;
    most = Math.max(most, keptDetail(fresh, timeline.at(i)));
  }
  return most;
}

/** Is `later` the scene that `between`, which differs from it by `size`, took the place of? */
function hasReturned(scene: Signature, between: Signature, later: Signature, size: number): boolean {
  const difference = changeSize(scene, later);
  if (difference < Math.min(COME_BACK_MOST, COME_BACK * size)) return true;
  const flash = Math.abs(between.mean - scene.mean);
  const isFlash = flash > FLASH && Math.abs(later.mean - scene.mean) < flash / 4;
  if (!isFlash) return false;
  if (difference < COME_BACK_MOVED * size && keptDetail(scene, later) > COME_BACK_KEPT) return true;
  return likeness(scene, later) > COME_BACK_ALIKE;
}
