import type { Picture } from '../media/frames.ts';
import { Slab } from '../media/slab.ts';
import { BlankFrameDetector } from './blank-frames.ts';
import { cutThreshold, hasCutLookAhead, isCut } from './cuts.ts';
import { FrameGrid, type GradualTransition, gradualAt } from './gradual.ts';
import { isInsetCut } from './inset.ts';
import { LetterboxTracker } from './letterbox.ts';
import { RULES, type Rules } from './rules.ts';
import { isSameShot } from './same-shot.ts';
import { Signature, WHOLE_AREA } from './signature.ts';
import { isSlideChange, slideDissolve } from './stills.ts';
import { isCutUnderStrobe } from './strobe.ts';
import { Timeline } from './timeline.ts';

export { GRADUAL_THRESHOLD } from './gradual.ts';
export { SHOT_PICTURE } from './signature.ts';

/** A boundary between two shots. */
export interface ShotBoundary {
  /**
   * The first picture of the new shot, counted from 0 over all pictures pushed. For a dissolve or a wipe, the picture in the
   * middle of it; for a fade through black, the first one that shows anything.
   */
  readonly frame: number;
  readonly timeSec: number;
  readonly transition: 'cut' | 'gradual';
  /** The first picture of the transition. Equals `frame` for a cut. */
  readonly startFrame: number;
  /** The first picture that shows only the new shot. Equals `frame` for a cut. */
  readonly endFrame: number;
}

/** Receives the detector's measurements. Calls to each method are in order of time. */
export interface ShotObserver {
  /** Change of each picture but the first from the one before, and the change that a cut there must reach. */
  change(frame: number, size: number, threshold: number): void;
  /** The best score of a gradual transition around a picture. Pictures without a call have none. */
  gradual(frame: number, score: number): void;
}

export interface ShotDetectorOptions {
  /** Receives the measurements. Slows detection down. */
  readonly observer?: ShotObserver | undefined;
  /** Other rules than `RULES`, to measure the effect of each. */
  readonly rules?: Rules;
}

type Extent = Pick<ShotBoundary, 'frame' | 'startFrame' | 'endFrame'>;

/**
 * Finds shot boundaries in a stream of small pictures, in one pass and constant memory. Needs every decoded picture in order
 * of presentation, scaled to `SHOT_PICTURE`. A boundary is reported some six seconds after its picture.
 */
export class ShotDetector {
  readonly #rules: Rules;
  readonly #observer: ShotObserver | undefined;
  readonly #timeline: Timeline;
  readonly #memory = new Slab();
  readonly #grid: FrameGrid;
  readonly #letterbox: LetterboxTracker;
  readonly #blankFrames = new BlankFrameDetector();
  /**
   * Time for which pictures are kept behind the next one to be judged: a fade, or the longest gradual transition that ended a
   * reach (and some) ago.
   */
  readonly #heldSec: number;
  /** The part of the picture inside black bars. */
  #area = WHOLE_AREA;
  /** Timestamp of the last picture. */
  #timeSec = 0;
  /** Sum of all plausible steps between timestamps. */
  #clockSec = 0;
  /** The next picture to be judged as a cut. */
  #nextCut = 1;
  /** The next picture to be judged as a blank one. */
  #nextBlankFrame = 0;
  /** The next place of the grid to be judged as the middle of a gradual transition. */
  #middle = 0;
  /** Cuts, which gradual transitions must not span. */
  #cuts: number[] = [];
  /** Gradual transitions, the strongest of those that overlap, until no stronger one can come. */
  #gradual: GradualTransition[] = [];
  /** Boundaries that may still be overruled, or preceded by an earlier one. */
  #pending: ShotBoundary[] = [];
  /** The last interval in which a dissolve between slides was searched. */
  #searchedInterval = Number.NEGATIVE_INFINITY;
  #settledSec = Number.NEGATIVE_INFINITY;

  constructor({ observer, rules = RULES }: ShotDetectorOptions = {}) {
    this.#rules = rules;
    this.#observer = observer;
    this.#timeline = new Timeline(rules);
    this.#grid = new FrameGrid(rules.gradual.gridSec);
    this.#letterbox = new LetterboxTracker(rules.letterbox);
    this.#heldSec = Math.max(4 * rules.gradual.reachSec, rules.fade.maxSec);
  }

  /** No later boundary will be before this time. Seconds. */
  get settledSec(): number {
    return this.#settledSec;
  }

  /** Takes the next picture. Returns the boundaries that have become certain, in order. */
  push(picture: Picture): ShotBoundary[] {
    const frame = this.#timeline.end;
    this.#clockSec += Math.min(this.#rules.stream.maxStepSec, Math.max(0, picture.timeSec - this.#timeSec));
    this.#timeSec = picture.timeSec;
    const signature = new Signature(picture, this.#clockSec, this.#area, this.#memory);
    const area = this.#letterbox.update(signature);
    if (area) {
      this.#area = area;
      signature.crop(area);
      this.#timeline.crop(area);
    }
    this.#timeline.append(signature);
    this.#grid.offer(frame, this.#clockSec);
    return this.#advance(false);
  }

  /** Ends the stream. Returns the remaining boundaries. */
  end(): ShotBoundary[] {
    return this.#timeline.end === 0 ? [] : this.#advance(true);
  }

  /** Runs the three searches. Each needs the results of the one before for some pictures ahead. */
  #advance(ended: boolean): ShotBoundary[] {
    const timeline = this.#timeline;
    const { fade, gradual } = this.#rules;
    const lastSec = timeline.clockSec(timeline.end - 1);
    for (; this.#nextCut < timeline.end; this.#nextCut++) {
      if (!ended && !hasCutLookAhead(timeline, this.#nextCut)) break;
      this.#findCut(this.#nextCut);
    }
    for (; this.#nextBlankFrame < this.#nextCut; this.#nextBlankFrame++) {
      if (!ended && timeline.clockSec(this.#nextBlankFrame) + fade.maxSec > lastSec) break;
      this.#findBlankFrame(this.#nextBlankFrame);
      this.#findHiddenCut(this.#nextBlankFrame);
      this.#findSlideDissolve(this.#nextBlankFrame);
    }
    const blankFramesSec = timeline.clockSec(Math.min(this.#nextBlankFrame, timeline.end - 1));
    for (; this.#middle < this.#grid.frames.length; this.#middle++) {
      const middleSec = timeline.clockSec(this.#grid.frames[this.#middle]!);
      if (!ended && middleSec + gradual.blankAheadSec > blankFramesSec) break;
      this.#findGradual(this.#middle);
    }
    if (ended) {
      const { from, to } = this.#blankFrames.finish();
      this.#withdraw(from, to);
      this.#closeGradual(() => true);
    }
    return this.#settle(ended);
  }

  #findCut(frame: number): void {
    this.#observer?.change(frame, this.#timeline.change(frame).size, cutThreshold(this.#timeline, frame));
    if (isCut(this.#timeline, frame)) this.#addCut(frame);
  }

  #findBlankFrame(frame: number): void {
    const { boundary, from, to } = this.#blankFrames.visit(this.#timeline, frame, this.#cuts);
    this.#withdraw(from, to);
    if (boundary) this.#add(boundary);
  }

  /** Drops cuts to and from blank pictures, which the verdict on the blank run replaces. */
  #withdraw(from: number, to: number): void {
    this.#pending = this.#pending.filter(({ frame }) => frame < from || frame > to);
  }

  /** Finds a cut that does not show in the whole picture: only a part changes, or the light changes as much by itself. */
  #findHiddenCut(frame: number): void {
    if (frame === this.#timeline.first) return;
    const sec = this.#timeline.clockSec(frame);
    const { maxSec } = this.#rules.interruption;
    if (this.#cuts.some((cut) => Math.abs(this.#timeline.clockSec(cut) - sec) <= maxSec)) return;
    if (this.#isHiddenCut(frame)) this.#addCut(frame);
  }

  #isHiddenCut(frame: number): boolean {
    const timeline = this.#timeline;
    const { size } = timeline.change(frame);
    if (size >= this.#rules.stills.minChange && isSlideChange(timeline, frame)) return true;
    if (isCutUnderStrobe(timeline, frame)) return true;
    return !this.#blankFrames.overlaps(frame - 1, frame) && isInsetCut(timeline, frame);
  }

  #findSlideDissolve(frame: number): void {
    const { searchIntervalSec, maxRestChange } = this.#rules.slideDissolve;
    const interval = Math.floor(this.#timeline.at(frame).timeSec / searchIntervalSec);
    if (interval === this.#searchedInterval || this.#timeline.change(frame).size > maxRestChange) return;
    this.#searchedInterval = interval;
    const found = slideDissolve(this.#timeline, frame);
    if (!found || this.#isBroken(found.startFrame - 1, frame)) return;
    const { startFrame, endFrame } = found;
    if (this.#gradual.some((other) => other.startFrame <= endFrame && other.endFrame >= startFrame)) return;
    const middle = (startFrame + endFrame) >> 1;
    this.#gradual.push({ frame: middle, startFrame, endFrame, score: 1, strength: Number.POSITIVE_INFINITY });
  }

  #addCut(frame: number): void {
    this.#cuts.push(frame);
    this.#cuts.sort((a, b) => a - b);
    this.#add({ frame, startFrame: frame, endFrame: frame });
  }

  #findGradual(middle: number): void {
    const reachedSec = this.#timeline.clockSec(this.#grid.frames[middle]!) - this.#rules.gradual.reachSec;
    this.#closeGradual(({ endFrame }) => this.#timeline.clockSec(endFrame) < reachedSec);

    const isBroken = (from: number, to: number) => this.#isBroken(from, to);
    if (this.#observer) {
      const frame = this.#grid.frames[middle]!;
      this.#observer.gradual(frame, gradualAt(this.#timeline, this.#grid, middle, isBroken, 0)?.score ?? 0);
    }
    const found = gradualAt(this.#timeline, this.#grid, middle, isBroken);
    if (!found || isSameShot(this.#timeline, this.#cuts, found)) return;
    const rivals = this.#gradual.filter(
      (other) => other.startFrame <= found.endFrame && other.endFrame >= found.startFrame,
    );
    if (rivals.some((rival) => rival.strength >= found.strength)) return;
    this.#gradual = [...this.#gradual.filter((other) => !rivals.includes(other)), found];
  }

  /** True if a cut or blank pictures lie between two pictures. */
  #isBroken(from: number, to: number): boolean {
    return this.#cuts.some((cut) => cut > from && cut <= to) || this.#blankFrames.overlaps(from, to);
  }

  /** Reports the transitions that are over. The order in which they were found need not be that of their ends. */
  #closeGradual(isOver: (transition: GradualTransition) => boolean): void {
    for (const transition of this.#gradual) if (isOver(transition)) this.#add(transition);
    this.#gradual = this.#gradual.filter((transition) => !isOver(transition));
  }

  #add({ frame, startFrame, endFrame }: Extent): void {
    const transition = endFrame - startFrame > this.#rules.stream.maxSmearFrames ? 'gradual' : 'cut';
    const extent = transition === 'cut' ? { startFrame: frame, endFrame: frame } : { startFrame, endFrame };
    this.#pending.push({ frame, timeSec: this.#timeline.at(frame).timeSec, transition, ...extent });
    this.#pending.sort((a, b) => a.frame - b.frame);
  }

  /** Returns the boundaries before which none can come any more, and drops what no search needs any more. */
  #settle(ended: boolean): ShotBoundary[] {
    const timeline = this.#timeline;
    const middleSec = timeline.clockSec(this.#grid.frames[Math.min(this.#middle, this.#grid.frames.length - 1)]!);
    let settled = timeline.first;
    const limit = Math.min(
      this.#blankFrames.undecidedFrom,
      timeline.end,
      ...this.#gradual.map(({ startFrame }) => startFrame),
    );
    while (settled < limit && (ended || timeline.clockSec(settled) < middleSec - this.#rules.gradual.reachSec))
      settled++;
    this.#settledSec = ended ? Number.POSITIVE_INFINITY : timeline.at(settled).timeSec;
    const count = this.#pending.findIndex(({ frame }) => !ended && frame >= settled);
    const certain = this.#pending.splice(0, count === -1 ? this.#pending.length : count);
    this.#discard();
    return certain;
  }

  #discard(): void {
    const timeline = this.#timeline;
    const next = Math.min(this.#nextCut, this.#nextBlankFrame, this.#grid.frames[this.#middle] ?? timeline.end);
    const heldFrom = Math.max(timeline.first, next - this.#rules.stream.minHeldFrames);
    let needed = timeline.first;
    while (needed < heldFrom && timeline.clockSec(needed) < timeline.clockSec(next - 1) - this.#heldSec) needed++;
    timeline.discardBefore(needed);
    this.#middle -= this.#grid.discardBefore(timeline.first);
    this.#blankFrames.discardBefore(timeline.first);
    while (this.#cuts[0]! < timeline.first) this.#cuts.shift();
  }
}
