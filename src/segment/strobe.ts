import { changeSize } from './change.ts';
import { isCutInConstantLight } from './cuts.ts';
import type { Rules } from './rules.ts';
import type { Light, Signature } from './signature.ts';
import { Timeline } from './timeline.ts';

/**
 * True if there is a cut at `frame` under a strobe or coloured lamps. Where the light comes and goes by itself, every
 * picture is a change; so pictures on both sides are compared in the same light. Nothing that is seen before a cut is seen
 * after it, and what looks most alike is judged as if only that light were on.
 */
export function isCutUnderStrobe(timeline: Timeline, frame: number): boolean {
  const rules = timeline.rules.strobe;
  // The pictures on either side are such a pair too, and the quickest to ask: see `nearest`.
  const isAsked = !isBurntOut(timeline.at(frame - 1), rules) && !isBurntOut(timeline.at(frame), rules);
  if (isAsked && timeline.change(frame).size < rules.minChange) return false;
  if (!comesBack(timeline, frame - 1, -1) || !comesBack(timeline, frame, 1)) return false;
  const pair = nearest(timeline, frame);
  if (!pair) return false;
  const [old, fresh] = [pair[0].light, pair[1].light];
  const inOneLight = new Timeline(timeline.rules);
  let cut = 0;
  for (let i = timeline.first; i < timeline.end; i++) {
    const signature = timeline.at(i);
    if (Math.abs(signature.clockSec - timeline.clockSec(frame)) > rules.reachSec) continue;
    if (differs(signature.light, i < frame ? old : fresh, rules)) continue;
    inOneLight.append(signature);
    if (i < frame) cut++;
  }
  return isCutInConstantLight(inOneLight, cut);
}

/** True if the light changes and comes back, in one shot, from the picture at `from` on. */
function comesBack(timeline: Timeline, from: number, direction: 1 | -1): boolean {
  const rules = timeline.rules.strobe;
  const picture = timeline.at(from);
  const { light } = picture;
  let isAway = false;
  for (let i = from + direction; i >= timeline.first && i < timeline.end; i += direction) {
    const other = timeline.at(i);
    if (Math.abs(other.clockSec - picture.clockSec) > rules.maxPeriodSec) return false;
    if (differs(other.light, light, rules)) isAway = true;
    else if (isAway && changeSize(other, picture) < rules.maxMovedChange) return true;
  }
  return false;
}

/** The two pictures on either side that differ least, of those not burnt out, if even they are of two shots. */
function nearest(timeline: Timeline, frame: number): [Signature, Signature] | undefined {
  const rules = timeline.rules.strobe;
  const sec = timeline.clockSec(frame);
  let least = Number.POSITIVE_INFINITY;
  let pair: [Signature, Signature] | undefined;
  for (let i = frame - 1; i >= timeline.first && sec - timeline.clockSec(i) <= rules.everyLightSec; i--) {
    if (isBurntOut(timeline.at(i), rules)) continue;
    for (let k = frame; k < timeline.end && timeline.clockSec(k) - sec <= rules.everyLightSec; k++) {
      if (isBurntOut(timeline.at(k), rules)) continue;
      const size = changeSize(timeline.at(i), timeline.at(k));
      if (size < rules.minChange) return undefined;
      if (size >= least) continue;
      least = size;
      pair = [timeline.at(i), timeline.at(k)];
    }
  }
  return pair;
}

function isBurntOut({ mean, contrast }: Signature, rules: Rules['strobe']): boolean {
  return mean > rules.burntOutMeanLuma && contrast < rules.burntOutContrastLuma;
}

function differs(a: Light, b: Light, { minLightDifference }: Rules['strobe']): boolean {
  return Math.abs(a.luma - b.luma) + Math.abs(a.blue - b.blue) + Math.abs(a.red - b.red) > minLightDifference;
}
