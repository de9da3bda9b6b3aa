import { FINE_HEIGHT, FINE_WIDTH, type Signature } from './signature.ts';
import type { Timeline } from './timeline.ts';

/** A pixel stands still while its luma stays this close: compression changes a still picture by less. Steps of 8 bits. */
const STILL_LUMA = 5;
/** Time that pixels must stand still on either side of a change. Scrolling in steps rests for less. Seconds. */
const STILL_SEC = 0.5;
/** Contrast to the pixel on the right or below that makes a pixel ink: text, lines, texture. Steps of 8-bit luma. */
const INK_LUMA = 12;
/** Ink that is needed for a comparison: an icon alone is no slide. Pixels of 64 × 36. */
const LEAST_INK = 24;
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
export function isNewStill(timeline: Timeline, frame: number): boolean {
  const [old, fresh] = [timeline.at(frame - 1), timeline.at(frame)];
  if (Math.max(old.contrast, fresh.contrast) < LEAST_CONTRAST) return false;
  const last = timeline.end - 1;
  if (fresh.clockSec - timeline.clockSec(timeline.first) < STILL_SEC) return false;
  // The last picture of a stream stands for as long as it lasts.
  if (frame < last && timeline.clockSec(last) - fresh.clockSec < STILL_SEC) return false;
  const shown = (sec: number) => timeline.shownAt(fresh.clockSec + sec);
  const after = [shown(STILL_SEC / 2), shown(STILL_SEC)];
  if (changedPixels(old, fresh, after[1]!) < LEAST_CHANGED) return false;
  const before = [shown(-STILL_SEC / 2), shown(-STILL_SEC)];
  const { replaced, related } = compareInk(old.fine, fresh.fine, standing([old, ...before], [fresh, ...after]));
  return replaced >= LEAST_REPLACED && related < MOST_RELATED;
}

/** Number of pixels of the small planes that change and stay changed. */
function changedPixels({ luma: old }: Signature, { luma: fresh }: Signature, { luma: later }: Signature): number {
  let count = 0;
  for (let i = 0; i < old.length; i++) if (!isNear(old[i]!, fresh[i]!) && isNear(fresh[i]!, later[i]!)) count++;
  return count;
}

/** 1 for each pixel of 64 × 36 that is the same in all pictures of the one side, and in all of the other. */
function standing(...sides: readonly (readonly Signature[])[]): Uint8Array {
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
 * @returns share of the ink that is gone and that is new (their geometric mean) times the share of pixels that stand
 *   still; and the correlation of the luma of the pixels that change
 */
function compareInk(old: Int16Array, fresh: Int16Array, still: Uint8Array): { replaced: number; related: number } {
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
  if (Math.min(oldInk, freshInk) < LEAST_INK) return { replaced: 0, related: 0 };
  const share = stills / (FINE_HEIGHT - 1) / (FINE_WIDTH - 1);
  return { replaced: share * Math.sqrt((gone / oldInk) * (added / freshInk)), related: changes.value };
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
