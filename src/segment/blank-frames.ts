import { changeSize, isWithinNoise, keptDetail } from './change.ts';
import { isLightingChange } from './lighting-change.ts';
import { likeness } from './likeness.ts';
import { PLANE_WIDTH, type Signature } from './signature.ts';
import type { Timeline } from './timeline.ts';

/** A picture of less contrast than this is blank if it is black or white, but for noise. Steps of 8-bit luma. */
const BLANK_CONTRAST = 2;
/** Up to the first luma it is black, from the second on white. What lies between may be a wall or a sky at night … */
const MAX_BLACK_LUMA = 20;
const MIN_WHITE_LUMA = 225;
/** … which is blank, one made-up colour, only if there is no noise either. */
const PLAIN_CONTRAST = 0.6;
/** Black with something small on it (a logo, a line of text) is still black: the mean luma is at most this … */
const DARK_MEAN = 40;
/** … and all but this part of the pixels are within so many steps of the commonest value. */
const WRITING = 0.08;
const NEAR_LUMA = 4;
/** Writing that stands out by so much (luma over the mean), for so many seconds, makes a title card of a blank stretch. */
const WRITING_LUMA = 36;
const READING_SEC = 0.5;
/** A cut to the picture that begins to fade, or from the one that has faded in, is none if the fade is shorter. Seconds. */
const SEEN_SEC = 0.5;
/** The longest fade that is followed, on either side of a blank stretch. Seconds. */
export const MAX_FADE_SEC = 3;
/** A fade goes on as long as within so many seconds … */
const STALL_SEC = 0.3;
/** … contrast grows by this factor: the slowest, at its brightest, grows twice as fast; a moving camera does not. */
const GROWTH = 1.05;
/** A picture with this part of its shot's contrast next to a blank one was cut there, not faded. */
const ABRUPT = 0.6;
/** A shorter blank stretch is a way from one shot to the next; from here on it is a black card of its own. Seconds. */
const CARD_SEC = 1.5;
/** Pictures before and after a shorter blank stretch that differ by less (see `changeSize`) are one scene: a lamp, a flash … */
const BLINK_SEC = 0.5;
const SAME_SCENE = 22;
/** … and so are those that share so much detail (see `keptDetail`), or are so alike (see `likeness`): it moved on meanwhile. */
const SAME_SCENE_KEPT_DETAIL = 0.3;
const SAME_SCENE_LIKENESS = 0.6;

/** A stretch of blank pictures together with the fades on its two sides. Numbers of pictures. */
interface BlankRun {
  readonly fadeStart: number;
  /** The first picture that is all there again. */
  readonly fadeEnd: number;
}

/** A blank stretch that has not ended. */
interface OpenRun {
  readonly first: number;
  readonly firstSec: number;
  /** Where the picture begins to fade; `first` where it was cut. */
  readonly fadeStart: number;
  /** Cuts from here on are part of it. */
  readonly from: number;
  /** The last picture before; none at the start of the stream. */
  readonly before: Signature | undefined;
  /** It is long enough to be a card, and its start has been reported. */
  reported: boolean;
  /** The first of the last pictures that all have writing on them. */
  writtenFrom: number | undefined;
  /** There has been writing for a while. */
  isTitle: boolean;
}

/** What is known after a picture: perhaps a boundary, and from where to where other findings do not count. */
interface Verdict {
  readonly boundary?: { readonly frame: number; readonly startFrame: number; readonly endFrame: number };
  readonly from: number;
  readonly to: number;
}

const NOTHING: Verdict = { from: 0, to: -1 };

/**
 * Follows fades through black (or white, or any plain picture). Contrast tells them, as in Lienhart's fade detector:
 * in a fade every pixel goes to one value, so the standard deviation of the picture falls to nothing.
 */
export class BlankFrameDetector {
  /** Stretches that still matter, oldest first. */
  readonly stretches: BlankRun[] = [];
  #open: OpenRun | undefined;
  /** End of the last stretch with its fade. */
  #fadedIn = 0;

  /** The first picture of a blank stretch whose meaning is not yet known. */
  get undecidedFrom(): number {
    if (!this.#open || this.#open.reported || this.#open.fadeStart < this.#open.first) return Number.POSITIVE_INFINITY;
    return this.#open.first;
  }

  /** To be called for every picture in turn, with `MAX_FADE_SEC` of pictures after it on the timeline if there are any. */
  visit(timeline: Timeline, frame: number, cuts: readonly number[]): Verdict {
    // While it fades in, a picture may look blank again: that is still the same stretch.
    const blank = frame >= this.#fadedIn && isBlank(timeline.at(frame));
    if (blank && !this.#open) {
      const fadeStart = fadeEdge(timeline, cuts, frame, -1);
      const before = frame > 0 ? timeline.at(Math.max(timeline.first, fadeStart - 1)) : undefined;
      const firstSec = timeline.clockSec(frame);
      this.#open = {
        first: frame,
        firstSec,
        fadeStart,
        from: firstSec - timeline.clockSec(fadeStart) >= SEEN_SEC ? fadeStart + 1 : fadeStart - 1,
        before,
        reported: false,
        writtenFrom: undefined,
        isTitle: false,
      };
    }
    if (!this.#open) return NOTHING;
    if (!blank) return this.#close(timeline, frame, fadeEdge(timeline, cuts, frame - 1, 1));

    return this.#grow(timeline, frame, this.#open);
  }

  /** Is there a blank picture, or a fade to or from one, among these pictures? */
  overlaps(from: number, to: number): boolean {
    if (this.#open && this.#open.fadeStart <= to) return true;
    return this.stretches.some((stretch) => stretch.fadeStart <= to && stretch.fadeEnd > from);
  }

  /** Lets go of stretches that ended before `frame`. */
  discardBefore(frame: number): void {
    while (this.stretches[0] && this.stretches[0].fadeEnd < frame) this.stretches.shift();
  }

  /** A stretch that lasts becomes a card: if it was cut to, that is where it starts, else where its writing appears. */
  #grow(timeline: Timeline, frame: number, open: OpenRun): Verdict {
    const { luma, mean } = timeline.at(frame);
    const isWritten = luma.some((value) => value > mean + WRITING_LUMA);
    open.writtenFrom = isWritten ? (open.writtenFrom ?? frame) : undefined;
    const { first, firstSec, fadeStart, from, before, writtenFrom } = open;
    const sec = timeline.clockSec(frame);
    if (writtenFrom !== undefined && sec - timeline.clockSec(writtenFrom) >= READING_SEC) open.isTitle = true;
    if (open.reported || !before) return NOTHING;
    if (fadeStart === first && sec - firstSec >= CARD_SEC) {
      open.reported = true;
      if (isWithinNoise(before, timeline.at(first))) return NOTHING;
      return { boundary: cutAt(first), from: first - 1, to: frame };
    }
    if (!open.isTitle) return NOTHING;
    open.reported = true;
    return {
      boundary: { frame: writtenFrom!, startFrame: fadeStart, endFrame: writtenFrom! },
      from,
      to: frame,
    };
  }

  #close(timeline: Timeline, end: number, lastFaded: number): Verdict {
    const { first, firstSec, fadeStart, from, before, reported, isTitle } = this.#open!;
    this.#open = undefined;
    const fadeEnd = lastFaded + 1;
    this.stretches.push({ fadeStart, fadeEnd });
    this.#fadedIn = fadeEnd;
    const [cutIn, cutOut] = [fadeStart === first, fadeEnd === end];
    const isSeen = timeline.clockSec(lastFaded) - timeline.clockSec(end) >= SEEN_SEC;
    const range = { from: reported ? end - 1 : from, to: isSeen ? lastFaded : fadeEnd };
    if (isTitle) return { ...range, boundary: { frame: end, startFrame: cutOut ? end : end - 1, endFrame: fadeEnd } };
    const isShort = timeline.clockSec(end) - firstSec < BLINK_SEC;
    before?.crop(timeline.at(end).area);
    // Not black, but a room at night, where a lamp is switched on: the shot began in the dark. What fades in shows only at
    // the end of the blank stretch.
    const dark = timeline.at(Math.max(timeline.first, (first + end) >> 1));
    if (cutOut && isLightingChange(dark, timeline.at(end))) {
      const isOther = before && cutIn && !reported && !isLightingChange(before, dark);
      return isOther ? { ...range, boundary: cutAt(first) } : range;
    }
    // What is faded in at the start of a film is its first shot, and what follows some empty pictures there is so too;
    // after a plain card the fade belongs to the card.
    if (!before || reported) return cutOut && !isShort ? { ...range, boundary: cutAt(end) } : range;
    if (isWithinNoise(before, timeline.at(Math.max(end, lastFaded)))) return range;
    if (isShort && isSame(before, timeline.at(Math.max(end, lastFaded)))) return range;
    if (cutIn && cutOut) return { ...range, boundary: cutAt(end) };
    return { ...range, boundary: { frame: end, startFrame: fadeStart, endFrame: fadeEnd } };
  }
}

function isSame(before: Signature, after: Signature): boolean {
  if (changeSize(before, after) < SAME_SCENE || keptDetail(before, after) > SAME_SCENE_KEPT_DETAIL) return true;
  return likeness(before, after) > SAME_SCENE_LIKENESS;
}

function isBlank({ contrast, mean, luma, area }: Signature): boolean {
  if (contrast < (mean > MAX_BLACK_LUMA && mean < MIN_WHITE_LUMA ? PLAIN_CONTRAST : BLANK_CONTRAST)) return true;
  if (mean > DARK_MEAN) return false;
  const counts = new Uint16Array(256 + 2 * NEAR_LUMA);
  let pixels = 0;
  for (let row = area.top; row < area.bottom; row++) {
    for (let i = row * PLANE_WIDTH + area.left, end = row * PLANE_WIDTH + area.right; i < end; i++, pixels++)
      counts[luma[i]! + NEAR_LUMA]!++;
  }
  const common = counts.indexOf(Math.max(...counts));
  // A plain scene at night is dark, but not black.
  if (common - NEAR_LUMA > MAX_BLACK_LUMA) return false;
  const near = counts.subarray(common - NEAR_LUMA, common + NEAR_LUMA + 1).reduce((sum, count) => sum + count, 0);
  return near >= (1 - WRITING) * pixels;
}

function cutAt(frame: number): Verdict['boundary'] {
  return { frame, startFrame: frame, endFrame: frame };
}

/**
 * From the blank picture at `edge` outwards: how far the picture keeps gaining contrast. Returns the picture where it
 * has nearly all of it, or `edge` itself where the neighbour already does.
 */
function fadeEdge(timeline: Timeline, cuts: readonly number[], edge: number, direction: 1 | -1): number {
  const from = timeline.clockSec(edge);
  let most = 0;
  let mostAt = edge;
  let grown = 0;
  let grownAt = edge;
  for (let i = edge + direction; i >= timeline.first && i < timeline.end; i += direction) {
    if (i !== edge + direction && cuts.includes(direction > 0 ? i : i + 1)) break;
    const away = Math.abs(timeline.clockSec(i) - from);
    if (away > MAX_FADE_SEC || away - Math.abs(timeline.clockSec(grownAt) - from) > STALL_SEC) break;
    const { contrast } = timeline.at(i);
    if (contrast > most) {
      most = contrast;
      mostAt = i;
    }
    if (contrast > GROWTH * grown) {
      grown = contrast;
      grownAt = i;
    }
  }
  const next = edge + direction;
  if (next < timeline.first || next >= timeline.end || timeline.at(next).contrast >= ABRUPT * most) return edge;
  let i = mostAt;
  while (i !== next && timeline.at(i - direction).contrast > 0.95 * most) i -= direction;
  return i;
}
