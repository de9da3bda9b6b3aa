import { changeSize, keptDetail, meanLumaDifference } from './change.ts';
import { isLightingChange } from './lighting-change.ts';
import { likeness } from './likeness.ts';
import type { Rules } from './rules.ts';
import { PLANE_WIDTH, type Signature } from './signature.ts';
import type { Timeline } from './timeline.ts';

/** A run of blank pictures together with the fades on both sides. Numbers of pictures. */
interface BlankRun {
  readonly fadeStart: number;
  /** The first picture at full contrast again. */
  readonly fadeEnd: number;
}

/** A run of blank pictures that has not ended. */
interface OpenRun {
  readonly first: number;
  readonly firstSec: number;
  /** The first picture of the fade-out; `first` after a cut. */
  readonly fadeStart: number;
  /** Cuts from here on belong to the run. */
  readonly from: number;
  /** The last picture before the fade; none at the start of the stream. */
  readonly before: Signature | undefined;
  /** True once the run is long enough to be a card and its start has been reported. */
  reported: boolean;
  /** The first of the pictures up to now that all have text. */
  textFrom: number | undefined;
  /** True once text has shown for long enough. */
  isTitle: boolean;
}

/** The result for one picture: a boundary, if there is one, and the range in which cuts found otherwise do not count. */
interface Verdict {
  readonly boundary?: { readonly frame: number; readonly startFrame: number; readonly endFrame: number };
  readonly from: number;
  readonly to: number;
}

const NO_VERDICT: Verdict = { from: 0, to: -1 };

/**
 * Finds fades through black, white or any plain picture, cuts to such pictures, and title cards. As in Lienhart's fade
 * detector, contrast is the measure: in a fade every pixel goes to one value, so the standard deviation falls to nothing.
 */
export class BlankFrameDetector {
  /** Past runs that may still matter, oldest first. */
  #runs: BlankRun[] = [];
  #open: OpenRun | undefined;
  /** The first picture after the last run and its fade-in. */
  #fadedIn = 0;
  /** True if the end of the last run was reported as a boundary. */
  #isFadeReported = false;

  /** The first picture of a run that is not decided yet; `Number.POSITIVE_INFINITY` if there is none. */
  get undecidedFrom(): number {
    if (!this.#open || this.#open.reported || this.#open.fadeStart < this.#open.first) return Number.POSITIVE_INFINITY;
    return this.#open.first;
  }

  /**
   * Takes the next picture. Must be called for every picture in order, once the timeline holds all pictures of the longest
   * fade after it, or the stream has ended.
   */
  visit(timeline: Timeline, frame: number, cuts: readonly number[]): Verdict {
    const { blankFrames, fade, titleCard } = timeline.rules;
    // During a fade-in a picture may look blank again: it belongs to the same run.
    const blank = frame >= this.#fadedIn && isBlank(timeline.at(frame), blankFrames);
    if (blank && !this.#open) {
      const fadeStart = fadeEdge(timeline, cuts, frame, -1);
      const before = frame > 0 ? timeline.at(Math.max(timeline.first, fadeStart - 1)) : undefined;
      const firstSec = timeline.clockSec(frame);
      // A title card that fades in from white is blank again at the end of that fade, when the card is black. The card is
      // the shot that the fade led to, and already reported.
      const isFadedCard = this.#hasJustFadedIn(timeline, frame) && hasText(timeline.at(frame), titleCard);
      this.#open = {
        first: frame,
        firstSec,
        fadeStart,
        from: firstSec - timeline.clockSec(fadeStart) >= fade.minSeenSec ? fadeStart + 1 : fadeStart - 1,
        before,
        reported: isFadedCard,
        textFrom: undefined,
        isTitle: isFadedCard,
      };
    }
    if (!this.#open) return NO_VERDICT;
    if (blank) return this.#grow(timeline, frame, this.#open);

    const verdict = this.#close(timeline, frame, fadeEdge(timeline, cuts, frame - 1, 1));
    this.#isFadeReported = verdict.boundary !== undefined;
    return verdict;
  }

  /** Ends the stream. No shot follows a run that is still open, so neither a cut to it nor its fade counts. */
  finish(): Verdict {
    if (!this.#open || this.#open.reported) return NO_VERDICT;
    return { from: this.#open.from, to: Number.POSITIVE_INFINITY };
  }

  /** True if any picture in the range is blank or part of a fade to or from blank pictures. */
  overlaps(from: number, to: number): boolean {
    if (this.#open && this.#open.fadeStart <= to) return true;
    return this.#runs.some((run) => run.fadeStart <= to && run.fadeEnd > from);
  }

  /** Drops runs that ended before `frame`. */
  discardBefore(frame: number): void {
    while (this.#runs[0] && this.#runs[0].fadeEnd < frame) this.#runs.shift();
  }

  #hasJustFadedIn(timeline: Timeline, frame: number): boolean {
    if (!this.#isFadeReported || this.#fadedIn < timeline.first) return false;
    return timeline.clockSec(frame) - timeline.clockSec(this.#fadedIn) <= timeline.rules.titleCard.maxFadeGapSec;
  }

  /** A long run is a card. It starts where it was cut to, or else where its text appears. */
  #grow(timeline: Timeline, frame: number, open: OpenRun): Verdict {
    const { blankFrames, titleCard, cut } = timeline.rules;
    open.textFrom = hasText(timeline.at(frame), titleCard) ? (open.textFrom ?? frame) : undefined;
    const { first, firstSec, fadeStart, from, before, textFrom } = open;
    const sec = timeline.clockSec(frame);
    if (textFrom !== undefined && sec - timeline.clockSec(textFrom) >= titleCard.minTextSec) open.isTitle = true;
    if (open.reported || !before) return NO_VERDICT;
    // The last step to black changes the pattern like a cut.
    if (frame === first && fadeStart < first) return { from, to: frame };
    if (fadeStart === first && sec - firstSec >= blankFrames.maxGapSec) {
      open.reported = true;
      if (meanLumaDifference(before, timeline.at(first)) < cut.minLumaDifference) return NO_VERDICT;
      return { boundary: cutAt(first), from: first - 1, to: frame };
    }
    if (!open.isTitle) return NO_VERDICT;
    open.reported = true;
    return {
      boundary: { frame: textFrom!, startFrame: fadeStart, endFrame: textFrom! },
      from,
      to: frame,
    };
  }

  #close(timeline: Timeline, end: number, lastFaded: number): Verdict {
    const { cut, fade, blink, lightingChange } = timeline.rules;
    const { first, firstSec, fadeStart, from, before, reported, isTitle } = this.#open!;
    this.#open = undefined;
    const fadeEnd = lastFaded + 1;
    this.#runs.push({ fadeStart, fadeEnd });
    this.#fadedIn = fadeEnd;
    const [cutIn, cutOut] = [fadeStart === first, fadeEnd === end];
    const isSeen = timeline.clockSec(lastFaded) - timeline.clockSec(end) >= fade.minSeenSec;
    const range = { from: reported ? end - 1 : from, to: isSeen ? lastFaded : fadeEnd };
    if (isTitle) return { ...range, boundary: { frame: end, startFrame: cutOut ? end : end - 1, endFrame: fadeEnd } };
    const isShort = timeline.clockSec(end) - firstSec < blink.maxSec;
    before?.crop(timeline.at(end).area);
    // The run may be a room at night, where a lamp is switched on at its end: then the shot began in the dark. A picture that
    // fades in would show only at the end of the run, so the middle is compared.
    const dark = timeline.at(Math.max(timeline.first, (first + end) >> 1));
    if (cutOut && isLightingChange(dark, timeline.at(end), lightingChange)) {
      const isNewShot = before && cutIn && !reported && !isLightingChange(before, dark, lightingChange);
      return isNewShot ? { ...range, boundary: cutAt(first) } : range;
    }
    // A fade-in at the start of a film, or a few blank pictures there, belongs to the first shot; a fade-in after a plain card
    // belongs to the card.
    if (!before || reported) return cutOut && !isShort ? { ...range, boundary: cutAt(end) } : range;
    const after = timeline.at(Math.max(end, lastFaded));
    if (meanLumaDifference(before, after) < cut.minLumaDifference) return range;
    if (isShort && isSameScene(before, after, blink)) return range;
    if (cutIn && cutOut) return { ...range, boundary: cutAt(end) };
    return { ...range, boundary: { frame: end, startFrame: fadeStart, endFrame: fadeEnd } };
  }
}

function hasText({ luma, mean }: Signature, { minTextLuma }: Rules['titleCard']): boolean {
  return luma.some((value) => value > mean + minTextLuma);
}

function isSameScene(before: Signature, after: Signature, rules: Rules['blink']): boolean {
  if (changeSize(before, after) < rules.maxChange || keptDetail(before, after) > rules.minKeptShare) return true;
  return likeness(before, after) > rules.sameSceneLikeness;
}

function isBlank({ contrast, mean, luma, area }: Signature, rules: Rules['blankFrames']): boolean {
  const isExtreme = mean <= rules.maxBlackLuma || mean >= rules.minWhiteLuma;
  if (contrast < (isExtreme ? rules.maxContrastLuma : rules.maxPlainContrastLuma)) return true;
  if (mean > rules.maxDarkMeanLuma) return false;
  const spread = rules.maxSpreadLuma;
  const counts = new Uint16Array(256 + 2 * spread);
  let pixels = 0;
  for (let row = area.top; row < area.bottom; row++) {
    for (let i = row * PLANE_WIDTH + area.left, end = row * PLANE_WIDTH + area.right; i < end; i++, pixels++)
      counts[luma[i]! + spread]!++;
  }
  const common = counts.indexOf(Math.max(...counts));
  // A plain scene at night is dark, but not black.
  if (common - spread > rules.maxBlackLuma) return false;
  const near = counts.subarray(common - spread, common + spread + 1).reduce((sum, count) => sum + count, 0);
  return near >= (1 - rules.maxTextShare) * pixels;
}

function cutAt(frame: number): Verdict['boundary'] {
  return { frame, startFrame: frame, endFrame: frame };
}

/**
 * The far end of a fade, searched from the blank picture at `edge` outwards while contrast grows: the first picture with
 * nearly all of it, or `edge` itself if the next picture has so much of it that it was cut.
 */
function fadeEdge(timeline: Timeline, cuts: readonly number[], edge: number, direction: 1 | -1): number {
  const { maxSec, maxStallSec, minGrowthRatio, abruptShare, fullShare } = timeline.rules.fade;
  const from = timeline.clockSec(edge);
  const distanceSec = (frame: number) => Math.abs(timeline.clockSec(frame) - from);
  let most = 0;
  let mostAt = edge;
  let grown = 0;
  let grownAt = edge;
  for (let i = edge + direction; i >= timeline.first && i < timeline.end; i += direction) {
    if (i !== edge + direction && cuts.includes(direction > 0 ? i : i + 1)) break;
    if (distanceSec(i) > maxSec || distanceSec(i) - distanceSec(grownAt) > maxStallSec) break;
    const { contrast } = timeline.at(i);
    if (contrast > most) {
      most = contrast;
      mostAt = i;
    }
    if (contrast > minGrowthRatio * grown) {
      grown = contrast;
      grownAt = i;
    }
  }
  const next = edge + direction;
  if (next < timeline.first || next >= timeline.end || timeline.at(next).contrast >= abruptShare * most) return edge;
  let i = mostAt;
  while (i !== next && timeline.at(i - direction).contrast > fullShare * most) i -= direction;
  return i;
}
