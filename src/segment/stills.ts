import type { Rules } from './rules.ts';
import { FINE_HEIGHT, FINE_WIDTH, type Signature } from './signature.ts';
import type { Timeline } from './timeline.ts';

/**
 * True if one still picture replaces another at `frame`, as slides and windows do. Slides share most of their background, so
 * only ink counts, and only where the picture stands still on both sides, which excludes a speaker's camera in a corner. An
 * addition to a slide leaves the old ink in place.
 */
export function isSlideChange(timeline: Timeline, frame: number): boolean {
  const { stills } = timeline.rules;
  const [old, fresh] = [timeline.at(frame - 1), timeline.at(frame)];
  if (Math.max(old.contrast, fresh.contrast) < stills.minContrastLuma) return false;
  const last = timeline.end - 1;
  if (fresh.clockSec - timeline.clockSec(timeline.first) < stills.minStillSec) return false;
  // The last picture of a stream may last for any time.
  if (frame < last && timeline.clockSec(last) - fresh.clockSec < stills.minStillSec) return false;
  const shown = (sec: number) => timeline.shownAt(fresh.clockSec + sec);
  const [earlier, later] = [shown(-stills.minStillSec), shown(stills.minStillSec)];
  if (!mayBeSlideChange([old, earlier], [fresh, later], stills.minStillShare, stills)) return false;
  const before = stills.sampleSec.map((sec) => shown(-sec));
  const after = stills.sampleSec.map(shown);
  const still = stillPixels([old, ...before], [fresh, ...after], stills);
  const { share, replaced, correlation } = compareInk(old.fine, fresh.fine, still, stills);
  return share >= stills.minStillShare && replaced >= stills.minReplacedShare && correlation < stills.maxCorrelation;
}

/**
 * The dissolve from one still picture to another that ends at `frame`, if there is one: some pictures between them are blends
 * of both, and every other picture is one of them. Scrolling and moving windows are no blends.
 */
export function slideDissolve(timeline: Timeline, frame: number): { startFrame: number; endFrame: number } | undefined {
  const { stills, slideDissolve: rules } = timeline.rules;
  const fresh = timeline.at(frame);
  const last = timeline.end - 1;
  const startSec = fresh.clockSec - rules.maxSec;
  if (startSec - timeline.clockSec(timeline.first) < stills.minStillSec) return undefined;
  if (timeline.clockSec(last) - fresh.clockSec < stills.minStillSec) return undefined;
  const old = timeline.shownAt(startSec);
  // `blank-frames.ts` finds fades to a plain picture.
  if (Math.min(old.contrast, fresh.contrast) < stills.minContrastLuma) return undefined;
  const shown = (sec: number) => timeline.shownAt(fresh.clockSec + sec);
  const earlier = timeline.shownAt(startSec - stills.minStillSec);
  const later = shown(stills.minStillSec);
  if (!mayBeSlideChange([old, earlier], [fresh, later], rules.minStillShare, stills)) return undefined;
  const everywhere = new Uint8Array(fresh.luma.length).fill(1);
  const isBlend = (sec: number) => isPartial(blendOf(old.luma, fresh.luma, shown(-sec).luma, everywhere), rules);
  if (!rules.sampleSec.some(isBlend)) return undefined;
  const still = stillPixels([old, earlier], [fresh, ...stills.sampleSec.map(shown)], stills);
  const { share, replaced, correlation } = compareInk(old.fine, fresh.fine, still, stills);
  if (share < rules.minStillShare || replaced < stills.minReplacedShare) return undefined;
  if (correlation >= stills.maxCorrelation) return undefined;
  let [startFrame, endFrame, blends] = [frame, frame, 0];
  for (let i = frame - 1; timeline.clockSec(i) > startSec; i--) {
    const blend = blendOf(old.fine, fresh.fine, timeline.at(i).fine, still);
    if (blend.residual > rules.maxUnblendedShare) return undefined;
    if (blend.share >= rules.endShare) endFrame = i;
    if (blend.share > rules.startShare) startFrame = i;
    if (isPartial(blend, rules)) blends++;
  }
  return blends < rules.minBlendFrames ? undefined : { startFrame, endFrame };
}

/** True for a blend that fits and shows both pictures. */
function isPartial({ share, residual }: ReturnType<typeof blendOf>, rules: Rules['slideDissolve']): boolean {
  return residual <= rules.maxUnblendedShare && share > rules.startShare && share < rules.endShare;
}

/**
 * The blend of two planes that is nearest to a third one, where `where` is 1.
 * @returns share of the second plane, and the residual as a share of the difference of both planes
 */
function blendOf(old: Int16Array, fresh: Int16Array, between: Int16Array, where: Uint8Array) {
  let [along, all] = [0, 1];
  for (let i = 0; i < old.length; i++) {
    if (where[i] === 0) continue;
    const difference = fresh[i]! - old[i]!;
    along += (between[i]! - old[i]!) * difference;
    all += difference * difference;
  }
  const share = along / all;
  let [left, most] = [0, 1];
  for (let i = 0; i < old.length; i++) {
    if (where[i] === 0) continue;
    const difference = fresh[i]! - old[i]!;
    left += Math.abs(between[i]! - old[i]! - share * difference);
    most += Math.abs(difference);
  }
  return { share, residual: left / most };
}

/** Fast test on the small planes: both pictures stand still in enough places, and differ in some of these. */
function mayBeSlideChange(
  [{ luma: old }, { luma: earlier }]: readonly [Signature, Signature],
  [{ luma: fresh }, { luma: later }]: readonly [Signature, Signature],
  minStillShare: number,
  { maxStillLuma, minChangedPixels }: Rules['stills'],
): boolean {
  let [mayMove, changed] = [(1 - minStillShare) * old.length, 0];
  for (let i = 0; i < old.length; i++) {
    if (!isNear(fresh[i]!, later[i]!, maxStillLuma) || !isNear(old[i]!, earlier[i]!, maxStillLuma)) {
      if (--mayMove < 0) return false;
    } else if (!isNear(old[i]!, fresh[i]!, maxStillLuma)) changed++;
  }
  return changed >= minChangedPixels;
}

/** 1 for each pixel of 64 × 36 that is the same in all pictures of the first side, and in all pictures of the second. */
function stillPixels(
  before: readonly [Signature, ...Signature[]],
  after: readonly [Signature, ...Signature[]],
  { maxStillLuma }: Rules['stills'],
): Uint8Array {
  const still = new Uint8Array(FINE_WIDTH * FINE_HEIGHT).fill(1);
  for (const [{ fine }, ...others] of [before, after]) {
    for (const other of others) {
      for (let i = 0; i < still.length; i++) if (!isNear(fine[i]!, other.fine[i]!, maxStillLuma)) still[i] = 0;
    }
  }
  return still;
}

function isNear(a: number, b: number, most: number): boolean {
  return Math.abs(a - b) <= most;
}

/**
 * Compares the ink of two planes of luma where they stand still.
 * @returns share of pixels that stand still; that share times the geometric mean of the shares of ink that is gone and that is
 *   new; and the correlation of the luma of the pixels that change
 */
function compareInk(
  old: Int16Array,
  fresh: Int16Array,
  still: Uint8Array,
  { maxStillLuma, minInkLuma, minInkFinePixels }: Rules['stills'],
) {
  let [stills, oldInk, freshInk, gone, added] = [0, 0, 0, 0, 0];
  const changes = new Correlation();
  for (let y = 0; y < FINE_HEIGHT - 1; y++) {
    for (let i = y * FINE_WIDTH, end = i + FINE_WIDTH - 1; i < end; i++) {
      if (still[i] === 0) continue;
      stills++;
      if (!isNear(old[i]!, fresh[i]!, maxStillLuma)) changes.add(old[i]!, fresh[i]!);
      const [across, down] = [old[i + 1]! - old[i]!, old[i + FINE_WIDTH]! - old[i]!];
      const [acrossNow, downNow] = [fresh[i + 1]! - fresh[i]!, fresh[i + FINE_WIDTH]! - fresh[i]!];
      const isReplaced = !isNear(across, acrossNow, maxStillLuma) || !isNear(down, downNow, maxStillLuma);
      if (Math.max(Math.abs(across), Math.abs(down)) > minInkLuma) {
        oldInk++;
        if (isReplaced) gone++;
      }
      if (Math.max(Math.abs(acrossNow), Math.abs(downNow)) > minInkLuma) {
        freshInk++;
        if (isReplaced) added++;
      }
    }
  }
  if (Math.min(oldInk, freshInk) < minInkFinePixels) return { share: 0, replaced: 0, correlation: 0 };
  const share = stills / (FINE_HEIGHT - 1) / (FINE_WIDTH - 1);
  const replaced = share * Math.sqrt((gone / oldInk) * (added / freshInk));
  return { share, replaced, correlation: changes.value };
}

/** Correlation of pairs of values: −1 to 1, and 0 if all pairs are the same. */
class Correlation {
  #count = 0;
  #a = 0;
  #b = 0;
  #aa = 1;
  #bb = 1;
  #ab = 0;

  add(a: number, b: number): void {
    this.#count++;
    this.#a += a;
    this.#b += b;
    this.#aa += a * a;
    this.#bb += b * b;
    this.#ab += a * b;
  }

  get value(): number {
    const covariance = this.#ab * this.#count - this.#a * this.#b;
    return covariance / Math.sqrt((this.#aa * this.#count - this.#a ** 2) * (this.#bb * this.#count - this.#b ** 2));
  }
}
