import { changeSize, meanLumaDifference } from './change.ts';
import { isCutInConstantLight } from './cuts.ts';
import { MEASURES } from './measures.ts';
import type { Rules } from './rules.ts';
import type { Light, Signature } from './signature.ts';
import { Timeline } from './timeline.ts';

/**
 * True if there is a cut at `frame` under a strobe or coloured lamps. There the light changes with almost every picture, so
 * pictures of both sides are compared in the same light. At a cut, no picture before it is like one after it; the two most
 * alike select the light, and only pictures in that light are judged.
 */
export function isCutUnderStrobe(timeline: Timeline, frame: number): boolean {
  const rules = timeline.rules.strobe;
  const [before, after] = [timeline.at(frame - 1), timeline.at(frame)];
  // The pictures next to the cut are one of the pairs that `nearest` compares, and the cheapest.
  const isVisible = !isBurntOut(before, rules) && !isBurntOut(after, rules);
  if (isVisible && timeline.change(frame).size < rules.minChange * visibility(before, after)) return false;
  // A strobe may pause next to a cut. In burnt-out pictures a cut cannot be placed without the rhythm on both sides.
  const isStrobe = [comesBack(timeline, frame - 1, -1), comesBack(timeline, frame, 1)];
  if (isVisible ? !isStrobe.includes(true) : isStrobe.includes(false)) return false;
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

/** True if the light changes and returns in one shot, from the picture at `from` on. */
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

/** The pictures on both sides that differ least, without burnt-out ones; none if these show one shot. */
function nearest(timeline: Timeline, frame: number): [Signature, Signature] | undefined {
  const rules = timeline.rules.strobe;
  const sec = timeline.clockSec(frame);
  let least = Number.POSITIVE_INFINITY;
  let pair: [Signature, Signature] | undefined;
  for (let i = frame - 1; i >= timeline.first && sec - timeline.clockSec(i) <= rules.everyLightSec; i--) {
    if (isBurntOut(timeline.at(i), rules)) continue;
    for (let k = frame; k < timeline.end && timeline.clockSec(k) - sec <= rules.everyLightSec; k++) {
      if (isBurntOut(timeline.at(k), rules)) continue;
      const [old, fresh] = [timeline.at(i), timeline.at(k)];
      const size = changeSize(old, fresh);
      if (size < rules.minChange * visibility(old, fresh)) return undefined;
      // Two pictures in the dark may differ by no more than noise does: they cannot show that there is a cut.
      if (size >= least || meanLumaDifference(old, fresh) < timeline.rules.cut.minLumaDifference) continue;
      least = size;
      pair = [old, fresh];
    }
  }
  return pair;
}

/**
 * Amplitude of the patterns of two pictures, 0 to 1. That of dark pictures is low, and with it every change of pattern. With
 * less contrast than noise has, a change means nothing and must be as large as that of bright pictures: 1.
 */
function visibility(a: Signature, b: Signature): number {
  const { noiseContrastLuma } = MEASURES.signature;
  const contrast = Math.min(a.contrast, b.contrast);
  return contrast < noiseContrastLuma ? 1 : contrast / (contrast + noiseContrastLuma);
}

function isBurntOut({ mean, contrast }: Signature, rules: Rules['strobe']): boolean {
  return mean > rules.burntOutMeanLuma && contrast < rules.burntOutContrastLuma;
}

function differs(a: Light, b: Light, { minLightDifference }: Rules['strobe']): boolean {
  return Math.abs(a.luma - b.luma) + Math.abs(a.blue - b.blue) + Math.abs(a.red - b.red) > minLightDifference;
}
