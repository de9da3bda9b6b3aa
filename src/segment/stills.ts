import { FINE_HEIGHT, FINE_WIDTH, type Signature } from './signature.ts';
import type { Timeline } from './timeline.ts';

/** A pixel stands still while its luma stays this close: compression changes a still picture by less. Steps of 8 bits. */
const STILL_LUMA = 5;
/** Time that pixels must stand still on either side of a change. Scrolling in steps rests for less. Seconds. */
const STILL_SEC = 0.5;
/** It is looked at this long before and after a change: at uneven times, for lines of text scroll past at even ones. */
const LOOKS_SEC = [0.1, 0.25, STILL_SEC];
/** Contrast to the pixel on the right or below that makes a pixel ink: text, lines, texture. Steps of 8-bit luma. */
const INK_LUMA = 12;
/** Ink that is needed for a comparison: an icon alone is no slide. Pixels of 64 × 36. */
const LEAST_INK = 24;
/** Least share of the picture that stands still on both sides: less of a film does, beside what moves in it. */
const LEAST_STILL = 0.7;
/**
 * Least share of the ink that is replaced, times the share of the picture that stands still. Slides reach 0.45 and more
 * on the tuning recordings; dialogs, scrolling and marked speakers stay below 0.38.
 */
const LEAST_REPLACED = 0.42;
/** Correlation of the luma before and after above which the picture was dimmed or lit up, not replaced. */
const MOST_RELATED = 0.65;
/** Least contrast of either picture: the noise of darker ones looks like ink that a key frame renews. Steps of 8-bit luma. */
const LEAST_CONTRAST = 7.5;
/** Fewer changed pixels than this are not looked at closely: a pointer, a letter. Pixels of 32 × 18. */
const LEAST_CHANGED = 6;

/**
 * True if one still picture replaces another at `frame`, as slides and windows do. Slides share most of their background,
 * so only ink counts, and only where the picture stands still on both sides, which leaves out a speaker's camera in a
 * corner. What is added to a slide leaves the old ink where it was.
 */
export function isSlideChange(timeline: Timeline, frame: number): boolean {
  const [old, fresh] = [timeline.at(frame - 1), timeline.at(frame)];
  if (Math.max(old.contrast, fresh.contrast) < LEAST_CONTRAST) return false;
  const last = timeline.end - 1;
  if (fresh.clockSec - timeline.clockSec(timeline.first) < STILL_SEC) return false;
  // The last picture of a stream stands for as long as it lasts.
  if (frame < last && timeline.clockSec(last) - fresh.clockSec < STILL_SEC) return false;
  const shown = (sec: number) => timeline.shownAt(fresh.clockSec + sec);
  if (!mayBeSlideChange([old, shown(-STILL_SEC)], [fresh, shown(STILL_SEC)], LEAST_STILL)) return false;
  const after = LOOKS_SEC.map(shown);
  const before = LOOKS_SEC.map((sec) => shown(-sec));
  const { share, replaced, related } = compareInk(
    old.fine,
    fresh.fine,
    stillPixels([old, ...before], [fresh, ...after]),
  );
  return share >= LEAST_STILL && replaced >= LEAST_REPLACED && related < MOST_RELATED;
}

/** The longest dissolve between slides. Seconds. */
const LONGEST_SEC = 1;
/** Least share of the picture that stands still before and after a dissolve: less of one that fades slowly does. */
const LEAST_AT_REST = 0.9;
/** Most that a blend of the two slides leaves of a picture between them, as a share of what differs between the slides. */
const MOST_UNBLENDED = 0.2;
/** Shares of the new slide at which a dissolve starts and ends. */
const STARTED = 0.1;
const ENDED = 0.9;
/** Blends are looked for so long before the end first: most windows hold none at all. Seconds. */
const BLENDS_SEC = [0.1, 0.25, 0.5, 0.75];

/**
 * The dissolve from one still picture to another that is over at `frame`, if there is one: at least two pictures between
 * them are blends of both, and every other is one of them. Scrolling and moving windows are no blends.
 */
export function slideDissolve(timeline: Timeline, frame: number): { startFrame: number; endFrame: number } | undefined {
  const fresh = timeline.at(frame);
  const last = timeline.end - 1;
  const startSec = fresh.clockSec - LONGEST_SEC;
  if (startSec - timeline.clockSec(timeline.first) < STILL_SEC) return undefined;
  if (timeline.clockSec(last) - fresh.clockSec < STILL_SEC) return undefined;
  const old = timeline.shownAt(startSec);
  // A fade to a plain picture is for `blank-frames.ts` to find.
  if (Math.min(old.contrast, fresh.contrast) < LEAST_CONTRAST) return undefined;
  const shown = (sec: number) => timeline.shownAt(fresh.clockSec + sec);
  const earlier = timeline.shownAt(startSec - STILL_SEC);
  if (!mayBeSlideChange([old, earlier], [fresh, shown(STILL_SEC)], LEAST_AT_REST)) return undefined;
  const after = LOOKS_SEC.map(shown);
  const anywhere = new Uint8Array(fresh.luma.length).fill(1);
  const isBlend = (sec: number) => isBetween(blendOf(old.luma, fresh.luma, shown(-sec).luma, anywhere));
  if (!BLENDS_SEC.some(isBlend)) return undefined;
  const still = stillPixels([old, earlier], [fresh, ...after]);
  const { share, replaced, related } = compareInk(old.fine, fresh.fine, still);
  if (share < LEAST_AT_REST || replaced < LEAST_REPLACED || related >= MOST_RELATED) return undefined;
  let [startFrame, endFrame, blends] = [frame, frame, 0];
  for (let i = frame - 1; timeline.clockSec(i) > startSec; i--) {
    const blend = blendOf(old.fine, fresh.fine, timeline.at(i).fine, still);
    if (blend.left > MOST_UNBLENDED) return undefined;
    if (blend.share >= ENDED) endFrame = i;
    if (blend.share > STARTED) startFrame = i;
    if (isBetween(blend)) blends++;
  }
  return blends < 2 ? undefined : { startFrame, endFrame };
}

function isBetween({ share, left }: ReturnType<typeof blendOf>): boolean {
  return left <= MOST_UNBLENDED && share > STARTED && share < ENDED;
}

/**
 * The best blend of two planes for a third one.
 * @returns the share of the second, and what that blend leaves as a share of what differs between the two
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
  return { share, left: left / most };
}

/** A quick look at the small planes: both pictures rest in enough places, and in some of these they differ. */
function mayBeSlideChange(
  [{ luma: old }, { luma: earlier }]: readonly [Signature, Signature],
  [{ luma: fresh }, { luma: later }]: readonly [Signature, Signature],
  leastResting: number,
): boolean {
  let [mayMove, changed] = [(1 - leastResting) * old.length, 0];
  for (let i = 0; i < old.length; i++) {
    if (!isNear(fresh[i]!, later[i]!) || !isNear(old[i]!, earlier[i]!)) {
      if (--mayMove < 0) return false;
    } else if (!isNear(old[i]!, fresh[i]!)) changed++;
  }
  return changed >= LEAST_CHANGED;
}

/** 1 for each pixel of 64 × 36 that is the same in all pictures of the one side, and in all of the other. */
function stillPixels(...sides: readonly (readonly Signature[])[]): Uint8Array {
  const still = new Uint8Array(FINE_WIDTH * FINE_HEIGHT).fill(1);
  for (const [{ fine }, ...others] of sides as [Signature, ...Signature[]][]) {
    for (const other of others) {
      for (let i = 0; i < still.length; i++) if (!isNear(fine[i]!, other.fine[i]!)) still[i] = 0;
    }
  }
  return still;
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= STILL_LUMA;
}

/**
 * Compares the ink of two planes of luma where they stand still.
 * @returns share of pixels that stand still; that share times the share of the ink that is gone and that is new (their
 *   geometric mean); and the correlation of the luma of the pixels that change
 */
function compareInk(old: Int16Array, fresh: Int16Array, still: Uint8Array) {
  let [stills, oldInk, freshInk, gone, added] = [0, 0, 0, 0, 0];
  const changes = new Correlation();
  for (let y = 0; y < FINE_HEIGHT - 1; y++) {
    for (let i = y * FINE_WIDTH, end = i + FINE_WIDTH - 1; i < end; i++) {
      if (still[i] === 0) continue;
      stills++;
      if (!isNear(old[i]!, fresh[i]!)) changes.add(old[i]!, fresh[i]!);
      const [across, down] = [old[i + 1]! - old[i]!, old[i + FINE_WIDTH]! - old[i]!];
      const [acrossNow, downNow] = [fresh[i + 1]! - fresh[i]!, fresh[i + FINE_WIDTH]! - fresh[i]!];
      const isOther = !isNear(across, acrossNow) || !isNear(down, downNow);
      if (Math.max(Math.abs(across), Math.abs(down)) > INK_LUMA) {
        oldInk++;
        if (isOther) gone++;
      }
      if (Math.max(Math.abs(acrossNow), Math.abs(downNow)) > INK_LUMA) {
        freshInk++;
        if (isOther) added++;
      }
    }
  }
  if (Math.min(oldInk, freshInk) < LEAST_INK) return { share: 0, replaced: 0, related: 0 };
  const share = stills / (FINE_HEIGHT - 1) / (FINE_WIDTH - 1);
  const replaced = share * Math.sqrt((gone / oldInk) * (added / freshInk));
  return { share, replaced, related: changes.value };
}

/** Correlation of pairs of values: −1 to 1, and 0 for pairs that are all alike. */
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
