import { changeSize } from './change.ts';
import { isCutInConstantLight } from './cuts.ts';
import type { Light, Signature } from './signature.ts';
import { Timeline } from './timeline.ts';

/** The light differs if the means of luma and both colour differences do by more than this together. Steps of 8 bits. */
const OTHER_LIGHT = 14;
/** A strobe changes the light and brings it back within this time, in the same shot. Seconds. */
const BACK_SEC = 0.8;
/** Two pictures of one shot in one light differ by less than this after such a time, see `changeSize`. */
const MOST_MOVED = 32;
/** Every light is seen within this time on either side of a cut. Seconds. */
const PERIOD_SEC = 0.5;
/** Time on either side from which pictures in one light are taken to judge a cut by. Seconds. */
const REACH_SEC = 1;
/** A picture of a higher mean and a lower contrast is burnt out: two of them look alike. Steps of 8-bit luma. */
const BURNT_MEAN = 225;
const BURNT_CONTRAST = 12;
/** Pictures of two shots differ by at least this, see `changeSize`. */
const LEAST_CHANGE = 20;

/**
 * True if there is a cut at `frame` under a strobe or coloured lamps. Where the light comes and goes by itself, every
 * picture is a change; so pictures on both sides are compared in the same light. Nothing that is seen before a cut is seen
 * after it, and what looks most alike is judged as if only that light were on.
 */
export function isCutUnderStrobe(timeline: Timeline, frame: number): boolean {
  // The pictures on either side are such a pair too, and the quickest to ask: see `nearest`.
  const isAsked = !isBurntOut(timeline.at(frame - 1)) && !isBurntOut(timeline.at(frame));
  if (isAsked && timeline.change(frame).size < LEAST_CHANGE) return false;
  if (!comesBack(timeline, frame - 1, -1) || !comesBack(timeline, frame, 1)) return false;
  const pair = nearest(timeline, frame);
  if (!pair) return false;
  const [old, fresh] = [pair[0].light, pair[1].light];
  const inOneLight = new Timeline();
  let cut = 0;
  for (let i = timeline.first; i < timeline.end; i++) {
    const signature = timeline.at(i);
    if (Math.abs(signature.clockSec - timeline.clockSec(frame)) > REACH_SEC) continue;
    if (differs(signature.light, i < frame ? old : fresh)) continue;
    inOneLight.append(signature);
    if (i < frame) cut++;
  }
  return isCutInConstantLight(inOneLight, cut);
}

/** True if the light changes and comes back, in one shot, from the picture at `from` on. */
function comesBack(timeline: Timeline, from: number, direction: 1 | -1): boolean {
  const picture = timeline.at(from);
  const { light } = picture;
  let isAway = false;
  for (let i = from + direction; i >= timeline.first && i < timeline.end; i += direction) {
    const other = timeline.at(i);
    if (Math.abs(other.clockSec - picture.clockSec) > BACK_SEC) return false;
    if (differs(other.light, light)) isAway = true;
    else if (isAway && changeSize(other, picture) < MOST_MOVED) return true;
  }
  return false;
}

/** The two pictures on either side that differ least, of those not burnt out, if even they are of two shots. */
function nearest(timeline: Timeline, frame: number): [Signature, Signature] | undefined {
  const sec = timeline.clockSec(frame);
  let least = Number.POSITIVE_INFINITY;
  let pair: [Signature, Signature] | undefined;
  for (let i = frame - 1; i >= timeline.first && sec - timeline.clockSec(i) <= PERIOD_SEC; i--) {
    if (isBurntOut(timeline.at(i))) continue;
    for (let k = frame; k < timeline.end && timeline.clockSec(k) - sec <= PERIOD_SEC; k++) {
      if (isBurntOut(timeline.at(k))) continue;
      const size = changeSize(timeline.at(i), timeline.at(k));
      if (size < LEAST_CHANGE) return undefined;
      if (size >= least) continue;
      least = size;
      pair = [timeline.at(i), timeline.at(k)];
    }
  }
  return pair;
}

function isBurntOut({ mean, contrast }: Signature): boolean {
  return mean > BURNT_MEAN && contrast < BURNT_CONTRAST;
}

function differs(a: Light, b: Light): boolean {
  return Math.abs(a.luma - b.luma) + Math.abs(a.blue - b.blue) + Math.abs(a.red - b.red) > OTHER_LIGHT;
}
